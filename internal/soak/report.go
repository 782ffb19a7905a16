package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// conclude says what was found, and writes report and chart into the directory, where
// there is one. A problem and growth are errors.
func (j journal) conclude(out io.Writer, dir string) error {
	list, err := trends(j.samples)
	if err != nil {
		return errors.Join(err, j.failed())
	}
	problems := []error{j.failed()}
	for _, t := range list {
		if _, err := fmt.Fprintln(out, t); err != nil {
			return err
		}
		if t.grows() {
			problems = append(problems, errors.New(t.String()))
		}
	}
	if dir != "" {
		problems = append(problems, write(dir, "REPORT.md", j.report(list)), write(dir, "soak.svg", chart(j.samples)))
	}

	return errors.Join(problems...)
}

func write(dir, name, text string) error {
	file, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)

	return errors.Join(err, file.Close())
}

// failed returns the problem that ended the run.
func (j journal) failed() error {
	if j.ending == nil || j.ending.Problem == "" {
		return nil
	}

	return errors.New(j.ending.Problem)
}

// report is the page of a run.
func (j journal) report(list []trend) string {
	var b strings.Builder
	last := j.samples[len(j.samples)-1]
	ran := time.Duration(last.At * float64(time.Second)).Round(time.Second)
	fmt.Fprintf(&b, "# Soak\n\nWritten by `go run ./internal/soak`; [main.go](main.go) says what runs and what is checked.\n\n")
	fmt.Fprintf(&b, "- Command: `%s`, started %s\n", j.conditions.Command, j.conditions.Started.Format("2006-01-02 15:04 MST"))
	fmt.Fprintf(&b, "- Machine: %s, %d CPUs, of which it used %d (GOMAXPROCS); %s\n",
		j.conditions.System, j.conditions.CPUs, j.conditions.Used, j.conditions.Go)
	fmt.Fprintf(&b, "- Length: %s of %s; %d samples\n", ran, time.Duration(j.conditions.Seconds)*time.Second, len(j.samples))
	fmt.Fprintf(&b, "- Work: %d rounds, %d messages accepted by sinks and queues, %.0f each second\n",
		last.Rounds, last.Messages, float64(last.Messages)/last.At)
	fmt.Fprintf(&b, "- Outcome: %s\n\n", j.outcome(list))
	fmt.Fprintf(&b, "![memory, goroutines, open files, disk and rate over time](soak.svg)\n\n")
	fmt.Fprintf(&b, "A quantity grows when the median of its last quarter is above that of its second by more than the tolerance. "+
		"Each is taken right after a garbage collection.\n\n")
	fmt.Fprintf(&b, "| quantity | median of the second quarter | of the last | allowed | verdict |\n|---|---|---|---|---|\n")
	for _, t := range list {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", t.name, t.show(t.early), t.show(t.late), t.show(t.limit()), t.verdict())
	}
	fmt.Fprintf(&b, "\nFaults, stops and what followed them:\n\n| what | times |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(last.Events)) {
		fmt.Fprintf(&b, "| %s | %d |\n", name, last.Events[name])
	}

	return b.String()
}

// outcome says in a sentence how the run ended.
func (j journal) outcome(list []trend) string {
	switch {
	case j.ending == nil:
		return "the run was still going on when this was written; up to then every check of a message and of a ledger held"
	case j.ending.Problem != "":
		return "failed: " + strings.ReplaceAll(j.ending.Problem, "\n", "; ")
	case slices.ContainsFunc(list, trend.grows):
		return "something grows; every check of a message and of a ledger held"
	default:
		return "nothing grows, every check of a message and of a ledger held, and no goroutine and no file stayed open after the end"
	}
}
