package conntest_test

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/queueconn"
)

// bounded tests a large queue whose Write admits messages by a rule of its own.
func bounded(admits func(d connector.Depth, writers int) bool) func(*testing.T) {
	return queueTest(nil, func(h *conntest.QueueHarness[string]) {
		h.New = func(t testing.TB) connector.Queue[string] {
			var writers atomic.Int32

			return startQueue(t, func(q *queue) {
				q.write = func(ctx context.Context, list []message) error {
					n := int(writers.Add(1))
					defer writers.Add(-1)
					for ctx.Err() == nil {
						depth, err := q.Queue.Depth(ctx)
						if err != nil || admits(depth, n) {
							return errors.Join(err, q.Queue.Write(ctx, list))
						}
						sleep(ctx)
					}

					return connector.Throttled(ctx.Err(), time.Second)
				}
			}, func() (*queueconn.Queue[string], error) {
				config := queueConfig()
				config.MaxMessages = 1000

				return queueconn.NewMemory[string](config)
			})
		}
	})
}

func sleep(ctx context.Context) {
	timer := time.NewTimer(time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func fullQueues() map[string]broken {
	return map[string]broken{
		"wakes no writer": {queueTest(func(q *queue) {
			q.write = func(ctx context.Context, list []message) error {
				if depth, err := q.Queue.Depth(ctx); err == nil && depth.Ready+depth.Leased >= 60 {
					<-ctx.Done()

					return ctx.Err()
				}

				return q.Queue.Write(ctx, list)
			}
		}, nil), failed("full/a write that waits is woken")},
		"does not count what is leased": {bounded(func(d connector.Depth, _ int) bool { return d.Ready < 60 }),
			failed("full/leased and delayed messages count")},
		"holds more for many": {bounded(func(d connector.Depth, writers int) bool {
			return d.Ready+d.Leased+d.Delayed < 60+2*(writers-1)
		}), failed("full/never holds more")},
	}
}

func busyQueues() map[string]broken {
	return map[string]broken{
		"loses one in a crowd": {queueTest(func(q *queue) {
			var writes atomic.Int32
			q.write = func(ctx context.Context, list []message) error {
				if writes.Add(1) == 30 {
					return nil
				}

				return q.Queue.Write(ctx, list)
			}
		}, nil), failed("concurrent/writers and readers at once")},
		"takes Close for done": {served(func(w *waiter) {
			w.close = func() error {
				var list []settlement
				for position := range w.seen {
					list = append(list, settlement{Position: position, Outcome: connector.Delivered})
				}

				return errors.Join(w.Reader.Settle(context.Background(), list), w.Reader.Close())
			}
		}), failed("concurrent/readers come and go")},
		"waits on when it is closed": {queueTest(func(q *queue) {
			q.close = func() error { return nil }
		}, nil), failed("close/ends what waits")},
		"ends before its end": {served(func(w *waiter) {
			finished := w.queue.finished
			w.finish = func() { finished.Store(true) }
			w.read = func(ctx context.Context, most int) ([]message, error) {
				if finished.Load() {
					return nil, io.EOF
				}

				return w.Reader.Read(ctx, most)
			}
		}), failed("finish/several readers drain it")},
	}
}
