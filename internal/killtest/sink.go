package killtest

import (
	"context"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

// Sink is the target of a durable sink: a flow that writes batches into it. open opens the
// sink that writes to dir; value makes the value of a message; found tells which messages
// are in dir, with repetitions. Every message must be there, and more than once only
// where a kill met it in hand and the sink does not declare itself idempotent.
func Sink[T any](
	name string, value func(i int) T,
	open func(dir string) (connector.Sink[T], error), found func(t testing.TB, dir string) []int,
) []Target {
	run := func(ctx context.Context, dir string, report *Report) error {
		in, err := openJournal(dir, Work)
		if err != nil {
			return err
		}
		sink, err := open(dir)
		if err != nil {
			return err
		}
		end := flow.From(Tracked(in, report, same)).Map(flow.Pure(value)).Batch(chunk/2, time.Second).To(sink)

		return closing(Complete(ctx, "write", end), sink)
	}
	check := func(t testing.TB, dir string, h History) {
		t.Helper()
		sink, err := open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		repeats := !connector.Describe(sink).Idempotent
		if err := closing(nil, sink); err != nil {
			t.Fatal(err)
		}
		h.CheckCounts(t, found(t, dir), repeats)
	}

	return []Target{{Name: name + " sink", Run: run, Check: check}}
}
