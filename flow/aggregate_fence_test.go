package flow_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// slowStore is the same store, as a process sees it that stands still before all but the
// first of its transactions until the gate opens.
type slowStore struct {
	connector.Store

	gate chan struct{}
	free int
}

func (s *slowStore) Update(ctx context.Context, fn func(tx connector.KV) error) error {
	if s.free--; s.free < 0 {
		<-s.gate
	}

	return s.Store.Update(ctx, fn)
}

// TestSlowRunOfStoredGroups: a process stands still, is taken for dead, and another begins
// on its store. When the first goes on, it changes no group any more: it is told so, and what
// it has in hand goes back. So each message is in one group, and each group is emitted by
// the run that has it.
func TestSlowRunOfStoredGroups(t *testing.T) {
	tests := []struct {
		// name is where the first run stands still.
		name string
		// still is for how long.
		still time.Duration
		// before and after are what it gets before it stands still, and then.
		before, after []int
		// later is what the second run gets.
		later []int
		want  []string
	}{
		{"before it adds a message", 30 * time.Second, []int{1}, []int{3}, []int{5}, []string{"odd=6/2 count reached"}},
		{"before it opens a group", 30 * time.Second, []int{1}, []int{2}, []int{5}, []string{"odd=6/2 count reached"}},
		{"before it ends an idle group", 2 * time.Minute, []int{1}, nil, nil, []string{"odd=1/1 idle timeout"}},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			store := memory.NewStore()
			build := func(source connector.Source[int], s connector.Store, sink connector.Sink[group]) *flow.Pipeline {
				return flow.New("sums", flow.From(source).DeadLetter(newDead()).KeyBy(parity).StoredIn(s).
					Aggregate(flow.Completion{Count: 2, Idle: time.Minute}, sumUp).As("groups").To(sink))
			}
			sink, old, gate := memory.NewSink[group](), memory.NewFeed(test.before...), make(chan struct{})
			slow := start(t, build(old, &slowStore{Store: store, gate: gate, free: 1}, sink))
			old.Send(test.after...)
			time.Sleep(test.still)
			young := memory.NewFeed[int]()
			for _, n := range test.later {
				meta := connector.MakeMeta(connector.Fields{ID: fmt.Sprint("young ", n)})
				young.SendMessages(connector.Message[int]{Meta: &meta, Value: n})
			}
			p := start(t, build(young, store, sink))
			close(gate)
			synctest.Wait()
			old.Finish()
			if err := slow.wait(); !errors.Is(err, connector.ErrFenced) || connector.ClassOf(err) != connector.ClassPermanent {
				t.Errorf("the first run ended with %v, want ErrFenced, which no supervisor repeats", err)
			}
			time.Sleep(2 * time.Minute)
			young.Finish()
			if err := p.wait(); err != nil {
				t.Error(err)
			}
			var got []string
			for _, g := range sink.Values() {
				got = append(got, show(g))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("groups %q, want %q", got, test.want)
			}
			if n := old.Count(connector.Returned); n != len(test.after) || old.Count(connector.DeadLettered) > 0 {
				t.Errorf("%d of %d messages in hand went back: %v", n, len(test.after), old.Settled())
			}
		})
	}
}

// TestGroupInHandOfASlowRun: a completed group that is on its way below in the first run
// comes a second time from the second, with the same message ID, by which a Once knows it.
func TestGroupInHandOfASlowRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, gate := memory.NewStore(), make(chan struct{})
		var ids []string
		build := func(source connector.Source[int], wait <-chan struct{}) *flow.Pipeline {
			return flow.New("sums", flow.From(source).KeyBy(parity).StoredIn(store).
				Aggregate(flow.Completion{Count: 2}, sumUp).As("groups").
				To(connector.SinkFunc[group](func(_ context.Context, ms []connector.Message[group]) error {
					<-wait
					ids = append(ids, ms[0].ID())

					return nil
				})))
		}
		open := make(chan struct{})
		close(open)
		old := memory.NewFeed(1, 3)
		slow := start(t, build(old, gate))
		mustRun(t, build(memory.NewSource[int](), open))
		close(gate)
		old.Finish()
		if err := slow.wait(); err != nil {
			t.Error(err) // it changes no group any more, so nobody tells it
		}
		if len(ids) != 2 || ids[0] != ids[1] {
			t.Errorf("the group came as %q, want twice with one ID", ids)
		}
	})
}

// TestTwoRunsBeginTogether: the one that lost the groups while it read them emits none.
func TestTwoRunsBeginTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, sink := memory.NewStore(), memory.NewSink[group]()
		build := func(source connector.Source[int]) *flow.Pipeline {
			return flow.New("sums", flow.From(source).KeyBy(parity).StoredIn(store).
				Aggregate(flow.Completion{Count: 2}, sumUp).As("groups").To(sink))
		}
		// The first run leaves a completed group behind.
		sink.Script(memory.Fail(connector.Permanent(errBad)))
		if err := build(memory.NewSource(1, 3)).Run(t.Context()); !errors.Is(err, errBad) {
			t.Fatal(err)
		}
		gate := make(chan struct{})
		store.Script(memory.OpScan, memory.Block(gate))
		first := start(t, build(memory.NewSource[int]()))
		second := start(t, build(memory.NewSource[int]()))
		if err := second.wait(); err != nil || sink.Accepted() != 1 {
			t.Errorf("the second run: %d groups, %v", sink.Accepted(), err)
		}
		close(gate)
		if err := first.wait(); !errors.Is(err, connector.ErrFenced) || sink.Accepted() != 1 {
			t.Errorf("the first run: %d groups, %v", sink.Accepted(), err)
		}
	})
}
