package flowtest

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// simReader is one Open of a source or a queue.
type simReader[T any] struct {
	shelf *shelf[T]
	life  *life
	// order are the offsets that were handed out and not settled.
	order []int64
	// out counts, by offset, handouts that were not settled: more than one after a lease
	// was lost.
	out map[int64]int
	// doubt has the offsets that were returned by a Settle which reported a failure. The
	// Settle is repeated, perhaps when the message is out again, and must not take it back.
	doubt     map[int64]bool
	finishing bool
}

// Read implements connector.Reader.
func (r *simReader[T]) Read(ctx context.Context, limit int) ([]connector.Message[T], error) {
	var messages []connector.Message[T]
	allow := anywhere | Failing | Partial
	if !r.shelf.queue {
		allow |= ClockSkew
	}
	if !r.shelf.queue && !r.shelf.rewinds {
		allow |= Twice | Shuffled
	}
	err := r.life.do(effect{
		ctx: ctx, name: r.shelf.label + ".Read", allow: allow, ready: r.ready, due: r.due,
		what: func() string { return fmt.Sprintf("up to %d", limit) },
	}, func(e *effect) error {
		if messages = r.take(e, limit); len(messages) == 0 {
			return io.EOF
		}
		if e.fate.fault == Partial {
			return errFails
		}

		return nil
	})

	return messages, err
}

// Settle implements connector.Reader.
func (r *simReader[T]) Settle(ctx context.Context, settlements []connector.Settlement) error {
	return r.life.do(effect{
		ctx: ctx, name: r.shelf.label + ".Settle", allow: anywhere | Failing | TimingOut | Ambiguous,
		what: func() string {
			texts := make([]string, len(settlements))
			for i, s := range settlements {
				texts[i] = fmt.Sprintf("%s %v", s.Position, s.Outcome)
			}

			return strings.Join(texts, ", ")
		},
	}, func(e *effect) error {
		for _, s := range settlements {
			if s.Outcome == connector.Returned && r.doubt[s.Position.Offset] {
				delete(r.doubt, s.Position.Offset)

				continue
			}
			r.settle(s)
			if e.fate.fault&(Ambiguous|TimingOut) != 0 && s.Outcome == connector.Returned {
				r.doubt[s.Position.Offset] = true
				r.life.count.relet = true
			}
		}

		return nil
	})
}

// Extend implements connector.Extender.
func (r *simReader[T]) Extend(ctx context.Context, positions []connector.Position) error {
	return r.life.do(effect{
		ctx: ctx, name: r.shelf.label + ".Extend", allow: anywhere | Failing | TimingOut | Ambiguous,
	}, func(*effect) error {
		for _, p := range positions {
			it := r.shelf.items[p.Offset-1]
			if it.owner == r && !it.done {
				it.lease = time.Now().Add(r.shelf.caps.Lease)
			}
		}

		return nil
	})
}

// Finish implements connector.Finisher.
func (r *simReader[T]) Finish() { r.finishing = true }

// Close implements connector.Reader.
func (r *simReader[T]) Close() error {
	return r.life.do(effect{
		ctx: context.Background(), name: r.shelf.label + ".Close", allow: anywhere,
	}, func(*effect) error {
		for _, it := range r.shelf.items {
			if it.owner != r {
				continue
			}
			it.owner = nil
		}
		for _, n := range r.out {
			if r.accounts() {
				r.life.count.left += int64(n)
			}
		}

		return nil
	})
}
