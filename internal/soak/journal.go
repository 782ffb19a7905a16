package main

import (
	"bufio"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"
)

// conditions is what a run was made under.
type conditions struct {
	Command string    `json:"command"`
	Started time.Time `json:"started"`
	Go      string    `json:"go"`
	System  string    `json:"system"`
	CPUs    int       `json:"cpus"`
	// Used is GOMAXPROCS.
	Used int `json:"used"`
	// Seconds is how long the run was to be.
	Seconds float64 `json:"seconds"`
}

func currentConditions(arguments []string, length time.Duration) conditions {
	return conditions{
		Command: "go run ./internal/soak " + strings.Join(arguments, " "), Started: time.Now().UTC().Truncate(time.Second),
		Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH,
		CPUs: runtime.NumCPU(), Used: runtime.GOMAXPROCS(0), Seconds: length.Seconds(),
	}
}

// ending is how a run ended.
type ending struct {
	// Problem is what was lost, came too often or stayed behind; empty where nothing was.
	Problem string `json:"problem,omitempty"`
}

// journal is all that is known of a run. Ending is nil while it goes on.
type journal struct {
	conditions conditions
	samples    []sample
	ending     *ending
}

// line is one line of a journal's file: one of its fields is set.
type line struct {
	Conditions *conditions `json:"conditions,omitzero"`
	Sample     *sample     `json:"sample,omitzero"`
	Ending     *ending     `json:"ending,omitzero"`
}

func writeLine(out io.Writer, l line) error {
	text, err := jsonLine(l)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, text)

	return err
}

// readJournal reads what writeLine wrote. The last line may be one that is being written.
func readJournal(in io.Reader) (journal, error) {
	var j journal
	text := bufio.NewReader(in)
	for number := 1; ; number++ {
		data, err := text.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return j, nil
		}
		if err != nil {
			return j, err
		}
		var l line
		if err := json.Unmarshal(data, &l); err != nil {
			return j, fmt.Errorf("line %d: %w", number, err)
		}
		switch {
		case l.Conditions != nil:
			j.conditions = *l.Conditions
		case l.Sample != nil:
			j.samples = append(j.samples, *l.Sample)
		case l.Ending != nil:
			j.ending = l.Ending
		}
	}
}
