package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// progress shows how far the pipelines are, on one line of a terminal.
func progress(w io.Writer) func(status) {
	return func(s status) {
		var parts []string
		for _, l := range s.ledgers {
			parts = append(parts, fmt.Sprintf("%s %s", l.Flow, count(l.Source.Done())))
		}
		// Nobody is told where this fails: the line is a comfort.
		_, _ = fmt.Fprintf(w, "\r%s, in flight %s\x1b[K", strings.Join(parts, ", "), count(s.inFlight()))
	}
}

// clearLine takes the progress away.
func clearLine(w io.Writer) func() {
	return func() { _, _ = io.WriteString(w, "\r\x1b[K") }
}

// isTerminal says whether a person is looking.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()

	return err == nil && info.Mode()&os.ModeCharDevice != 0 && f.Name() != os.DevNull
}
