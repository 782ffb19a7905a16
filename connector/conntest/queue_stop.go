package conntest

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// stop holds the cases of an orderly end.
func (c queueCases[T]) stop() {
	c.run("stop/what was read goes back untried", "", c.stopReading)
	c.run("finish/several readers drain it", unless(c.finisher, "the Reader is no Finisher"), c.finishShared)
}

func (c queueCases[T]) stopReading(t *testing.T) {
	o := c.open(t, 5)
	other := open(t, c.suite, o.queue)
	one, two := snapshot(o.take(2)), snapshot(other.take(2))
	o.giveBack(connector.ErrStopped, 0, one...)
	other.giveBack(connector.ErrStopped, 0, two...)
	other.close()
	o.reopen()
	again := snapshot(o.take(5))
	for _, m := range again {
		if m.Attempt() > 1 {
			t.Errorf("message %s has attempt %d, though it was never tried", m.ID(), m.Attempt())
		}
	}
	if c.caps.KeepsPlace {
		sameValues(t, c.h.Equal, valuesOf(again), values(c.h.Value, 5))
	} else {
		sameSet(t, c.h.Equal, valuesOf(again), values(c.h.Value, 5))
	}
	o.settle(connector.Delivered, again...)
	c.empty(t, o)
}

// finishShared finishes the queue while several readers work: each of them gets io.EOF,
// and together they get everything.
func (c queueCases[T]) finishShared(t *testing.T) {
	const n = 30
	o := c.open(t, n)
	sessions := []*session[T]{o.session, open(t, c.suite, o.queue), open(t, c.suite, o.queue)}
	ctx, cancel := context.WithTimeout(t.Context(), c.wait)
	defer cancel()
	var mu sync.Mutex
	var got []T
	var wg sync.WaitGroup
	for _, s := range sessions {
		wg.Go(func() {
			err := drainToEnd(ctx, s.reader, func(list []connector.Message[T]) {
				mu.Lock()
				defer mu.Unlock()
				got = append(got, valuesOf(list)...)
			})
			if !errors.Is(err, io.EOF) {
				t.Errorf("Read: error %v, want io.EOF", err)
			}
		})
	}
	o.finish()
	wg.Wait()
	sameSet(t, c.h.Equal, got, values(c.h.Value, n))
	if depth := c.depth(t, o.queue); depth != (connector.Depth{}) {
		t.Errorf("depth %+v, want an empty queue", depth)
	}
}

// drainToEnd reads and settles until Read gives an error.
func drainToEnd[T any](ctx context.Context, reader connector.Reader[T], collect func([]connector.Message[T])) error {
	for {
		list, err := reader.Read(ctx, 4)
		settlements := make([]connector.Settlement, len(list))
		for i, m := range list {
			settlements[i] = connector.Settlement{Position: m.Position(), Outcome: connector.Delivered}
		}
		collect(snapshot(list))
		if e := reader.Settle(ctx, settlements); e != nil || err != nil {
			return errors.Join(e, err)
		}
	}
}
