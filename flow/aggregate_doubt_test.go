package flow_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// TestDoneGroupOfACommitInDoubt: the store commits, but its answer is lost. A group that
// the commit has completed, or opened, does not wait for the next run.
func TestDoneGroupOfACommitInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, store, sink := memory.NewFeed(1, 3, 2), memory.NewStore(), memory.NewSink[group]()
		store.Script(memory.OpUpdate, memory.PassThenFail(connector.Ambiguous(errBad)))
		p := flow.New("doubt", flow.From(source).KeyBy(parity).StoredIn(store).
			Aggregate(flow.Completion{Count: 2, Idle: time.Minute}, sumUp).As("sums").To(sink))
		ended := make(chan error, 1)
		go func() { ended <- p.Run(t.Context()) }()
		time.Sleep(2 * time.Minute)
		var got []string
		for _, g := range sink.Values() {
			got = append(got, show(g))
		}
		if want := []string{"odd=4/2 count reached", "even=2/1 idle timeout"}; !slices.Equal(got, want) {
			t.Errorf("groups %q while the pipeline runs, want %q", got, want)
		}
		source.Finish()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if n := len(sink.Values()); n != 2 {
			t.Errorf("%d groups, want 2", n)
		}
	})
}

// TestCommitInDoubtThatCannotBeLookedUp: the pipeline stops with an error rather than
// leave a completed group behind in silence.
func TestCommitInDoubtThatCannotBeLookedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, store, sink := memory.NewFeed(1, 3), memory.NewStore(), memory.NewSink[group]()
		store.Script(memory.OpUpdate, memory.PassThenFail(connector.Ambiguous(errBad)))
		store.Script(memory.OpScan, memory.Pass(), memory.Fail(connector.Permanent(errBad)))
		build := func() *flow.Pipeline {
			return flow.New("doubt", flow.From(source).KeyBy(parity).StoredIn(store).
				Aggregate(flow.Completion{Count: 2}, sumUp).As("sums").To(sink))
		}
		if err := build().Run(t.Context()); !errors.Is(err, errBad) || !strings.Contains(err.Error(), "stage sums: a commit may have completed groups") {
			t.Errorf("error %v", err)
		}
		source.Finish()
		mustRun(t, build())
		if got := sink.Values(); len(got) != 1 || show(got[0]) != "odd=4/2 count reached" {
			t.Errorf("groups %v", got)
		}
	})
}
