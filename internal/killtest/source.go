package killtest

import (
	"context"
	"errors"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

// Source is the target of a source that resumes. open opens the one that is kept in dir,
// which hands out the numbers from 0 to [Work], and returns what closes it. Every message
// must come out, and more than once only where a kill met it in hand.
func Source(name string, open func(dir string) (connector.Source[int], func() error, error)) []Target {
	run := func(ctx context.Context, dir string, report *Report) error {
		source, closeSource, err := open(dir)
		if err != nil {
			return err
		}
		out, err := openOutput[int](dir)
		if err == nil {
			err = Complete(ctx, "read", flow.From(Tracked(source, report, same)).To(out))
		}

		return errors.Join(err, closeSource())
	}
	check := func(t testing.TB, dir string, h History) {
		t.Helper()
		h.CheckCounts(t, effects[int](t, dir), true)
	}

	return []Target{{Name: name + " source", Run: run, Check: check}}
}
