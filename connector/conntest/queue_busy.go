package conntest

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// busy holds the cases of a queue that is read, written and closed at once.
func (c queueCases[T]) busy() {
	closer := unless(c.closer, "the queue is no io.Closer")
	c.run("concurrent/writers and readers at once", "", c.both)
	c.run("concurrent/readers come and go", "", c.comeAndGo)
	c.run("close/ends what waits", closer, c.closeWaiting)
	if closer == "" {
		closer = unless(c.h.Reopen != nil, "the queue does not outlive the process")
	}
	c.run("close/while it is written to", closer, c.closeWriting)
}

// ledger is what concurrent readers have settled, until it is complete.
type ledger[T any] struct {
	mu     sync.Mutex
	want   int
	done   context.CancelFunc
	values []T
	left   map[string]bool // messages that a reader was closed with
}

func (l *ledger[T]) settled(list []connector.Message[T]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.values = append(l.values, valuesOf(list)...); len(l.values) >= l.want {
		l.done()
	}
}

// leave reports whether this is the first time that the message is left.
func (l *ledger[T]) leave(m connector.Message[T]) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left[m.ID()] {
		return false
	}
	l.left[m.ID()] = true

	return true
}

// feed writes n values, one with each Write, by several writers.
func (c queueCases[T]) feed(ctx context.Context, t *testing.T, wg *sync.WaitGroup, queue connector.Queue[T], writers, each int) {
	t.Helper()
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := queue.Write(ctx, messages(c.h.Value, w*each+i, 1)); err != nil {
					t.Errorf("Write: %v", err)
				}
			}
		})
	}
}

func (c queueCases[T]) both(t *testing.T) {
	const writers, each = 3, 12
	queue := c.h.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), c.wait)
	defer cancel()
	l := &ledger[T]{want: writers * each, done: cancel}
	var wg sync.WaitGroup
	seen := make([][]T, 3)
	for i := range seen {
		reader := open(t, c.suite, queue).reader
		wg.Go(func() {
			drain(ctx, t, reader, func(list []connector.Message[T]) {
				seen[i] = append(seen[i], valuesOf(list)...)
				l.settled(list)
			})
		})
	}
	c.feed(context.WithoutCancel(ctx), t, &wg, queue, writers, each)
	wg.Wait()
	sameSet(t, c.h.Equal, l.values, values(c.h.Value, l.want))
	for _, list := range seen {
		c.ascending(t, list, writers, each)
	}
}

// ascending checks that one reader got the messages of each writer in their order.
func (c queueCases[T]) ascending(t *testing.T, got []T, writers, each int) {
	t.Helper()
	all, last := values(c.h.Value, writers*each), make([]int, writers)
	for _, value := range got {
		i := unused(c.h.Equal, all, make([]bool, len(all)), value)
		if i >= 0 && i < last[i/each] {
			t.Errorf("value %v came behind a later one of its writer", value)
		}
		if i >= 0 {
			last[i/each] = i
		}
	}
}

// comeAndGo has readers that settle one message, leave one, return one, and are closed.
func (c queueCases[T]) comeAndGo(t *testing.T) {
	const writers, each = 2, 12
	queue := c.h.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), c.wait)
	defer cancel()
	l := &ledger[T]{want: writers * each, done: cancel, left: map[string]bool{}}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for ctx.Err() == nil {
				c.visit(ctx, t, queue, l)
			}
		})
	}
	c.feed(context.WithoutCancel(ctx), t, &wg, queue, writers, each)
	wg.Wait()
	sameSet(t, c.h.Equal, l.values, values(c.h.Value, l.want))
	if depth := c.depth(t, queue); depth != (connector.Depth{}) {
		t.Errorf("depth %+v, want an empty queue", depth)
	}
}

func (c queueCases[T]) visit(ctx context.Context, t *testing.T, queue connector.Queue[T], l *ledger[T]) {
	t.Helper()
	reader, err := queue.Open(context.WithoutCancel(ctx))
	if err != nil {
		t.Errorf("Open: %v", err)

		return
	}
	list, _ := reader.Read(ctx, 3)
	var settlements []connector.Settlement
	for i, m := range snapshot(list) {
		s := connector.Settlement{Position: m.Position(), Outcome: connector.Delivered}
		if i == 1 && c.h.MaxAttempts != 1 && l.leave(m) {
			continue
		}
		if i == 2 {
			s.Outcome, s.Cause = connector.Returned, connector.ErrStopped
		}
		settlements = append(settlements, s)
	}
	copies := snapshot(list)
	if err := reader.Settle(context.WithoutCancel(ctx), settlements); err != nil {
		t.Errorf("Settle: %v", err)
	}
	if err := reader.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	l.settled(delivered(copies, settlements))
}

// delivered are the messages that were settled so.
func delivered[T any](list []connector.Message[T], settlements []connector.Settlement) []connector.Message[T] {
	var kept []connector.Message[T]
	for _, m := range list {
		for _, s := range settlements {
			if s.Position == m.Position() && s.Outcome == connector.Delivered {
				kept = append(kept, m)
			}
		}
	}

	return kept
}

// closeWaiting closes a queue in which a Read waits and, where it can be full, a Write.
func (c queueCases[T]) closeWaiting(t *testing.T) {
	o := c.open(t, c.h.Capacity)
	o.closed = true // its Reader is closed below
	if c.h.Capacity > 0 {
		o.take(c.h.Capacity)
	}
	errs := make(chan error, 2)
	waiting := 1
	go func() {
		_, err := o.reader.Read(t.Context(), 1)
		errs <- err
	}()
	if c.h.Capacity > 0 {
		waiting++
		go func() { errs <- o.queue.Write(t.Context(), messages(c.h.Value, c.h.Capacity, 1)) }()
	}
	pause(t, c.short())
	if err := o.queue.(io.Closer).Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	for range waiting {
		select {
		case err := <-errs:
			if err == nil {
				t.Error("a call that waited succeeded although the queue was closed")
			}
		case <-c.context(t).Done():
			t.Fatal("a call waits on after the queue was closed")
		}
	}
	_ = o.reader.Close()
}

// closeWriting closes the queue between the Writes of several writers: what was accepted
// is there.
func (c queueCases[T]) closeWriting(t *testing.T) {
	queue := c.h.New(t)
	const writers, before = 3, 6
	var accepted sync.Map
	var count atomic.Int32
	var wg sync.WaitGroup
	enough := make(chan struct{})
	for w := range writers {
		wg.Go(func() {
			for i := w; i < 300; i += writers {
				if err := queue.Write(t.Context(), messages(c.h.Value, i, 1)); err != nil {
					return
				}
				accepted.Store(i, true)
				if count.Add(1) == before {
					close(enough)
				}
			}
		})
	}
	<-enough
	if err := queue.(io.Closer).Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	wg.Wait()
	again := open(t, c.suite, c.h.Reopen(t, queue))
	got := valuesOf(again.gather(c.short()))
	accepted.Range(func(i, _ any) bool {
		if unused(c.h.Equal, got, make([]bool, len(got)), c.h.Value(i.(int))) < 0 {
			t.Errorf("value %d was accepted and is lost", i)
		}

		return true
	})
}
