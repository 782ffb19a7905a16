package conntest_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
)

func placelessQueues() map[string]broken {
	return map[string]broken{
		"counts returns alone": {served(func(w *waiter) {
			returned := map[string]int{}
			w.read = func(ctx context.Context, most int) ([]message, error) {
				list, err := w.Reader.Read(ctx, most)
				for i, m := range list {
					fields := m.Fields()
					fields.Attempt = 1 + returned[m.ID()]
					list[i] = connector.NewMessage(m.Value, fields)
				}

				return list, err
			}
			w.settle = func(ctx context.Context, list []settlement) error {
				for _, s := range list {
					if s.Outcome == connector.Returned {
						returned[w.seen[s.Position].ID()]++
					}
				}

				return w.Reader.Settle(ctx, list)
			}
		}), failed("return/attempts count up")},
		"repeats others with what failed": {served(func(w *waiter) {
			var last *settlement
			w.settle = func(ctx context.Context, list []settlement) error {
				err := w.Reader.Settle(ctx, list)
				for _, s := range list {
					if s.Outcome == connector.Returned && last != nil {
						err = errors.Join(err, w.resent(ctx, *last))
					}
					if s.Outcome == connector.Delivered {
						last = &s
					}
				}

				return err
			}
		}), failed("return/one of several fails")},
		"sends returns to the back": {served(func(w *waiter) {
			w.settle = func(ctx context.Context, list []settlement) error {
				var errs []error
				for i, s := range list {
					if s.Outcome == connector.Returned && s.Delay == 0 {
						errs = append(errs, w.resent(ctx, s))
						list[i].Outcome, list[i].Cause = connector.Delivered, nil
					}
				}

				return errors.Join(append(errs, w.Reader.Settle(ctx, list))...)
			}
		}), failed("return/keeps its place")},
		"gives up all the same": {queueTest(nil, func(h *conntest.QueueHarness[string]) { h.MaxAttempts = 0 }),
			failed("return/never given up")},
		"delays without saying so": {undeclared(func(c *connector.Capabilities) { c.Delays = false }), failed("delay/none: handed out at once")},
		"leases without saying so": {undeclared(func(c *connector.Capabilities) { c.Lease = 0 }), failed("lease/none: stays with its reader")},
		"turns the order of keys": {writing(func(list []message) []message {
			if len(list) > 0 && list[0].Key() != "" {
				slices.Reverse(list)
			}

			return list
		}), failed("write/order of a key")},
	}
}

// undeclared tests a queue that can do more than it declares.
func undeclared(edit func(c *connector.Capabilities)) func(*testing.T) {
	return queueTest(func(q *queue) {
		q.caps = func(c connector.Capabilities) connector.Capabilities {
			edit(&c)

			return c
		}
	}, nil)
}
