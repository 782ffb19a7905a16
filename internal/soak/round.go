package main

import (
	"bufio"
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// round is a fresh directory, its input, and what became of it.
type round struct {
	soak *soak
	dir  string

	orders, scans, steps *record
	groups               *groups
	// fed is set when the flows at the files have come to their end.
	fed bool
	// last is the latest error that a pipeline ended with.
	last atomic.Pointer[error]
}

// A scan stands for so many orders, and so does an entry of a sequence.
const (
	ordersPerScan  = 50
	ordersPerEntry = 4
)

func newRound(s *soak, number int) (*round, error) {
	n := s.size
	r := &round{
		soak: s, dir: filepath.Join(s.dir, fmt.Sprintf("round-%d", number)),
		orders: newRecord("orders", n), scans: newRecord("scans", n/ordersPerScan),
		steps: newRecord("steps", n/ordersPerEntry/sequences*sequences), groups: newGroups(n),
	}
	if err := os.Mkdir(r.dir, 0o700); err != nil {
		return nil, err
	}

	return r, errors.Join(
		r.writeLines("orders.csv", n, r.orderLine),
		r.writeLines("scans.ndjson", len(r.scans.effects), func(i int) (string, error) { return jsonLine(makeScan(i)) }),
		r.writeLines("steps.ndjson", len(r.steps.effects), func(i int) (string, error) { return jsonLine(r.entryAt(i)) }),
	)
}

func (r *round) path(name string) string { return filepath.Join(r.dir, name) }

// writeLines makes an input file of n lines.
func (r *round) writeLines(name string, n int, line func(i int) (string, error)) error {
	file, err := os.Create(r.path(name))
	if err != nil {
		return err
	}
	out := bufio.NewWriter(file)
	for i := range n {
		text, err := line(i)
		if err != nil {
			return errors.Join(err, file.Close())
		}
		if _, err := out.WriteString(text); err != nil {
			return errors.Join(err, file.Close())
		}
	}

	return errors.Join(out.Flush(), file.Close())
}

func jsonLine(value any) (string, error) {
	data, err := json.Marshal(value)

	return string(data) + "\n", err
}

// orderLine gives the row of an order, the header before the first, and behind every
// fortieth the one of an earlier order again.
func (r *round) orderLine(i int) (string, error) {
	row := func(id int) string {
		if malformed(id) {
			return fmt.Sprintf("%d,%d,twelve,0\n", id, id%101)
		}

		return fmt.Sprintf("%d,%d,%d,0\n", id, id%101, id+1)
	}
	text := row(i)
	if i == 0 {
		text = "id,customer,amount,price\n" + text
	}
	if i%40 == 39 {
		text += row(i - 25)
	}

	return text, nil
}

// entryAt gives the entries out of order: each block of 64 backwards.
func (r *round) entryAt(i int) entry {
	block := i / 64 * 64
	i = min(block+64, len(r.steps.effects)) - 1 - (i - block)

	return entry{i % sequences, i/sequences + 1}
}

const (
	// runsPerLife is how often pipelines are run on what is open.
	runsPerLife = 2
	// stops is how many runs of a round are stopped, mostRuns how many there are at most.
	stops    = 3
	mostRuns = 200
)

// run brings the round to its end: lives on the same files, each with two runs. The first
// few runs are stopped somewhere.
func (r *round) run(ctx context.Context) error {
	for runs := 0; runs < mostRuns; runs += runsPerLife {
		done, err := r.live(ctx, runs)
		switch {
		case err != nil:
			return err
		case done:
			return r.check()
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}

	err := fmt.Errorf("it has not come to its end in %d runs", mostRuns)
	if last := r.last.Load(); last != nil {
		err = fmt.Errorf("%w; the last error of a pipeline: %w", err, *last)
	}

	return err
}

// live opens what is there, runs the pipelines, closes everything and counts what came
// out. It reports whether nothing is left to do.
func (r *round) live(ctx context.Context, runs int) (done bool, err error) {
	l, err := openLife(r)
	for i := 0; i < runsPerLife && err == nil && !done; i++ {
		limit := time.Minute
		if runs+i < stops {
			limit = r.soak.dice.between(r.soak.stopWithin/40, r.soak.stopWithin)
		}
		done, err = l.run(ctx, limit)
	}

	return done, errors.Join(err, l.close(), r.takeParts())
}

// check looks at what the round has left.
func (r *round) check() error {
	every := func(int) expected { return once }

	return errors.Join(r.orders.check(fateOfOrder), r.groups.checkAgainst(r.orders), r.scans.check(every), r.steps.check(every))
}
