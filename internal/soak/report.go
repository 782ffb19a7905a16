package main

import (
	"errors"
	"fmt"
	"io"
)

// conclude says what was found. Growth is an error.
func (s *soak) conclude(out io.Writer, dir string) error {
	list, err := trends(s.samples)
	if err != nil {
		return err
	}
	var grown []error
	for _, t := range list {
		fmt.Fprintln(out, t)
		if t.grows() {
			grown = append(grown, errors.New(t.String()))
		}
	}
	for name, n := range s.dice.noted() {
		fmt.Fprintln(out, name, n)
	}

	return errors.Join(grown...)
}
