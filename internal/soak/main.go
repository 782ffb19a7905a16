// Command soak runs flows at full load, with faults, for as long as it is told, and checks
// as it goes that nothing is lost, comes too often, or grows.
//
// Rounds run side by side, each on files, stores and queues of its own: orders go from a
// file over an idempotent receiver, a durable queue, an HTTP service and a batch to part
// files, and over a second queue into groups that a store keeps; large values wait in a
// store; numbered messages are brought into order. Sinks, queues, stores and callers fail,
// hang, panic, and report failure for what they did; the pipelines are stopped and started
// on the same stores, and on stores that were closed and opened again. At the end of a
// round every message must have had its effect once, or once more for each fault that
// explains it, or have a letter that a fault explains. Beside the rounds one pipeline
// behind HTTP lives as long as the soak.
//
// The exit status is 1 when a message or a ledger is not as it must be, when goroutines or
// files stay open after the end, or when one of the samples' quantities grows.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func command(arguments []string) error {
	c := config{stopWithin: 2 * time.Second, stopService: 20 * time.Second}
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.DurationVar(&c.length, "for", time.Hour, "how `long`")
	flags.IntVar(&c.size, "orders", 20_000, "orders in a round")
	flags.IntVar(&c.side, "side", 6, "rounds side by side")
	flags.Uint64Var(&c.seed, "seed", 1, "`seed` of the faults")
	flags.StringVar(&c.dir, "dir", "", "`directory` for the state; default that of temporary files")
	path := flags.String("journal", "", "write the samples to this `file`")
	from := flags.String("from", "", "run nothing, and report on the `journal` of a run, which may still go on")
	report := flags.String("report", "", "write REPORT.md and soak.svg into this `directory`")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	var j journal
	var err error
	if *from != "" {
		j, err = openJournal(*from)
	} else {
		j, err = measured(c, *path, arguments)
	}
	if err != nil {
		return err
	}

	return j.conclude(os.Stdout, *report)
}

func openJournal(path string) (journal, error) {
	file, err := os.Open(path)
	if err != nil {
		return journal{}, err
	}
	defer func() { _ = file.Close() }() // it was only read

	return readJournal(file)
}

// measured does a run, and writes its journal to the path, where there is one. Problems
// are in the journal.
func measured(c config, path string, arguments []string) (j journal, err error) {
	if c.dir, err = os.MkdirTemp(c.dir, "soak-"); err != nil {
		return j, err
	}
	out := io.Discard
	if path != "" {
		file, wrong := os.Create(path)
		if wrong != nil {
			return j, wrong
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		out = file
	}
	// About one sample for each point of the chart.
	c.every = max(c.length/mostPoints, 50*time.Millisecond)
	j.conditions = currentConditions(arguments, c.length)
	writing := writeLine(out, line{Conditions: &j.conditions})
	c.progress = func(m sample) {
		writing = errors.Join(writing, writeLine(out, line{Sample: &m}))
		fmt.Fprintln(os.Stderr, m)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	samples, problem := run(ctx, c)
	j.samples, j.ending = samples, &ending{}
	if problem != nil {
		j.ending.Problem = fmt.Sprintf("%v\nthe state is in %s", problem, c.dir)
	} else {
		err = os.RemoveAll(c.dir)
	}

	return j, errors.Join(err, writing, writeLine(out, line{Ending: j.ending}))
}
