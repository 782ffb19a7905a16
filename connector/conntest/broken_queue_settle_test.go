package conntest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// waiter is the Reader of a queue with methods that can be replaced. It remembers what it
// handed out.
type waiter struct {
	connector.Reader[string]
	connector.Extender
	connector.Finisher

	queue  *queue
	seen   map[connector.Position]message
	read   func(ctx context.Context, most int) ([]message, error)
	settle func(ctx context.Context, list []settlement) error
	close  func() error
	finish func()
}

func (w *waiter) Read(ctx context.Context, most int) ([]message, error) {
	list, err := w.read(ctx, most)
	for _, m := range list {
		w.seen[m.Position()] = connector.NewMessage(m.Value, m.Fields())
	}

	return list, err
}

func (w *waiter) Settle(ctx context.Context, list []settlement) error { return w.settle(ctx, list) }

func (w *waiter) Close() error { return w.close() }

func (w *waiter) Finish() { w.finish() }

// served tests a queue whose Readers went through spoil.
func served(spoil func(w *waiter)) func(*testing.T) {
	return queueTest(func(q *queue) {
		q.open = func(r connector.Reader[string]) connector.Reader[string] {
			w := &waiter{
				Reader: r, Extender: r.(connector.Extender), Finisher: r.(connector.Finisher),
				queue: q, seen: map[connector.Position]message{}, read: r.Read, settle: r.Settle, close: r.Close,
			}
			w.finish = w.Finisher.Finish
			spoil(w)

			return w
		}
	}, nil)
}

// resent writes what was settled so once more.
func (w *waiter) resent(ctx context.Context, s settlement) error {
	return w.queue.Queue.Write(ctx, []message{{Value: w.seen[s.Position].Value}})
}

func doubtfulQueues() map[string]broken {
	return map[string]broken{
		"believes the last settlement": {served(func(w *waiter) {
			done := map[connector.Position]bool{}
			w.settle = func(ctx context.Context, list []settlement) error {
				for _, s := range list {
					if done[s.Position] && s.Outcome == connector.Returned {
						return w.resent(ctx, s)
					}
					done[s.Position] = s.Outcome.Done()
				}

				return w.Reader.Settle(ctx, list)
			}
		}), failed("settle/twice with another outcome")},
		"returns twice what is named twice": {served(func(w *waiter) {
			w.settle = func(ctx context.Context, list []settlement) error {
				if len(list) == 2 && list[0] == list[1] {
					return errors.Join(w.resent(ctx, list[0]), w.Reader.Settle(ctx, list))
				}

				return w.Reader.Settle(ctx, list)
			}
		}), failed("settle/twice in one call")},
		"swallows what comes after Close": {served(func(w *waiter) {
			closed := false
			w.close = func() error { closed = true; return w.Reader.Close() }
			w.settle = func(ctx context.Context, list []settlement) error {
				if closed {
					swallow(ctx, w.queue.Queue, 3)
				}

				return w.Reader.Settle(ctx, list)
			}
		}), failed("settle/after Close is harmless")},
		"panics after Close": {served(func(w *waiter) {
			w.close = func() error {
				w.settle = func(context.Context, []settlement) error { panic("use of a closed reader") }

				return w.Reader.Close()
			}
		}), "use of a closed reader"},
		"says that it settled": {served(func(w *waiter) {
			w.settle = func(ctx context.Context, list []settlement) error {
				if ctx.Err() != nil {
					return nil
				}

				return w.Reader.Settle(ctx, list)
			}
		}), failed("settle/context already ended")},
		"loses what was stopped": {settling(func(s settlement) settlement {
			if errors.Is(s.Cause, connector.ErrStopped) {
				s.Outcome = connector.Delivered
			}

			return s
		}), failed("stop/what was read goes back untried")},
	}
}
