package killtest

import (
	"context"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

func same(i int) int { return i }

// Queue is the target of a durable queue: a flow with the queue between its two halves.
// open opens the queue that is kept in dir. Every message must come out, and more than
// once only where a kill met it in hand.
func Queue(name string, open func(dir string) (connector.Queue[int], error)) []Target {
	run := func(ctx context.Context, dir string, report *Report) error {
		in, err := openJournal(dir, Work)
		if err != nil {
			return err
		}
		queue, err := open(dir)
		if err != nil {
			return err
		}
		out, err := openOutput[int](dir)
		if err != nil {
			return err
		}
		end := flow.From(Tracked(in, report, same)).Via(trackQueue(queue, report, same)).To(out)

		return closing(Complete(ctx, "hop", end), queue)
	}
	check := func(t testing.TB, dir string, h History) {
		t.Helper()
		h.CheckCounts(t, effects[int](t, dir), true)
	}

	return []Target{{Name: name + " hop", Run: run, Check: check}}
}
