package badinput_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// paused is the store as a process sees it that is stopped right after its effect: no call
// gets through until it goes on.
type paused struct {
	connector.Store

	goesOn chan struct{}
}

func (p paused) Confirm(ctx context.Context, ttl time.Duration, claims ...connector.Claim) error {
	<-p.goesOn

	return p.Store.Confirm(ctx, ttl, claims...)
}

func (p paused) Extend(ctx context.Context, lease time.Duration, claims ...connector.Claim) error {
	<-p.goesOn

	return p.Store.Extend(ctx, lease, claims...)
}

// TestPausedPastItsLease stops one of two processes that share a store until its lease has
// ended. The other takes its key over, and what the first one says when it goes on
// changes nothing.
func TestPausedPastItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.NewStore()
		sleeper := paused{store, make(chan struct{})}
		process := func(s connector.Store, out *memory.Sink[string]) *flow.Pipeline {
			return flow.New("orders", flow.From(memory.NewSource("order-1")).
				Once(s, func(id string) string { return id }, 0).As("once").To(out))
		}
		first, second := memory.NewSink[string](), memory.NewSink[string]()
		stopped := process(sleeper, first)
		ended := make(chan error, 1)
		go func() { ended <- stopped.Run(t.Context()) }()
		synctest.Wait()
		if first.Accepted() != 1 {
			t.Fatal("the first process had no effect before it was stopped")
		}
		time.Sleep(time.Hour)
		next := process(store, second)
		if err := next.Run(t.Context()); err != nil || second.Accepted() != 1 || balanced(t, next).Delivered != 1 {
			t.Errorf("the second process: %v, %v", next.Ledger(), err)
		}
		close(sleeper.goesOn)
		if err := <-ended; err != nil || balanced(t, stopped).Returned != 1 {
			t.Errorf("the first process: %v, %v; want its message returned, not delivered", stopped.Ledger(), err)
		}
		third := process(store, second)
		if err := third.Run(t.Context()); err != nil || second.Accepted() != 1 || balanced(t, third).Duplicate != 1 {
			t.Errorf("the third process: %v, %v", third.Ledger(), err)
		}
	})
}
