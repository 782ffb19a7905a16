package main

import (
	"errors"
	"io"
)

// family is a group of rows with a chart.
type family struct {
	name, title, intro string
	rows               []row
	gauges             []gauge
	curves             []curve
}

func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}

	return err
}
