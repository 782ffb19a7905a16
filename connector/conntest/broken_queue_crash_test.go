package conntest_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/queueconn"
)

// durableTest tests a durable queue with one defect. Reopen opens a copy of the file, as a
// crash leaves it.
func durableTest(spoil func(q *queue), edit func(h *conntest.QueueHarness[string])) func(*testing.T) {
	return func(t *testing.T) {
		var paths sync.Map
		start := func(t testing.TB, path string) connector.Queue[string] {
			q := startQueue(t, spoil, func() (*queueconn.Queue[string], error) {
				return queueconn.Open(path, plainText{}, queueConfig())
			})
			paths.Store(q.Queue, path)

			return q
		}
		queueTest(spoil, func(h *conntest.QueueHarness[string]) {
			h.New = func(t testing.TB) connector.Queue[string] { return start(t, filepath.Join(t.TempDir(), "q")) }
			h.Bad = func(int) string { return strings.Repeat("x", maxBody+1) }
			h.Reopen = func(t testing.TB, old connector.Queue[string]) connector.Queue[string] {
				from, _ := paths.Load(old.(queue).Queue)
				to := filepath.Join(t.TempDir(), "q")
				for _, suffix := range []string{"", ".attempts"} {
					if data, err := os.ReadFile(from.(string) + suffix); err == nil {
						_ = os.WriteFile(to+suffix, data, 0o600)
					}
				}

				return start(t, to)
			}
			if edit != nil {
				edit(h)
			}
		})(t)
	}
}

// TestDurableQueueThatWorks shows that the queue is right but for its defect.
func TestDurableQueueThatWorks(t *testing.T) { durableTest(nil, nil)(t) }

// reopened changes the queue after a crash.
func reopened(change func(ctx context.Context, q *queueconn.Queue[string])) func(*testing.T) {
	return durableTest(nil, func(h *conntest.QueueHarness[string]) {
		reopen := h.Reopen
		h.Reopen = func(t testing.TB, old connector.Queue[string]) connector.Queue[string] {
			again := reopen(t, old)
			change(t.Context(), again.(queue).Queue)

			return again
		}
	})
}

// swallow takes what is ready and settles it.
func swallow(ctx context.Context, q *queueconn.Queue[string], limit int) {
	depth, _ := q.Depth(ctx)
	reader, err := q.Open(ctx)
	if err != nil || depth.Ready == 0 {
		return
	}
	list, _ := reader.Read(ctx, limit)
	for _, m := range list {
		_ = reader.Settle(ctx, []settlement{{Position: m.Position(), Outcome: connector.Delivered}})
	}
	_ = reader.Close()
}

func mortalQueues() map[string]broken {
	return map[string]broken{
		"forgets what was in work": {reopened(func(ctx context.Context, q *queueconn.Queue[string]) { swallow(ctx, q, 1) }),
			failed("kill/between work and settlement")},
		"repeats what was settled": {reopened(func(ctx context.Context, q *queueconn.Queue[string]) {
			if depth, _ := q.Depth(ctx); depth.Ready < 4 {
				_ = q.Write(ctx, []message{{Value: "0"}})
			}
		}), failed("kill/again and again")},
		"loses what it accepted last": {durableTest(func(q *queue) {
			var mu sync.Mutex
			var held []message
			q.write = func(ctx context.Context, list []message) error {
				mu.Lock()
				before := held
				held = append([]message{}, list...)
				mu.Unlock()

				return q.Queue.Write(ctx, before)
			}
		}, nil), failed("close/while it is written to")},
		"stays down": {queueTest(nil, func(h *conntest.QueueHarness[string]) {
			h.Restart = func(_ testing.TB, q connector.Queue[string]) { _ = q.(queue).Close() }
		}), failed("restart/goes on")},
		"loses what was in work at a restart": {brokerTest(true), failed("restart/goes on")},
	}
}

// broker is a queue whose calls fail for a while after a restart, and whose readers are
// broken off by it.
type broker struct {
	queue

	mu      sync.Mutex
	down    int // calls that fail
	readers []connector.Reader[string]
}

func (b *broker) up() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down--; b.down >= 0 {
		return connector.Transient(errBad)
	}

	return nil
}

func (b *broker) Write(ctx context.Context, list []message) error {
	if err := b.up(); err != nil {
		return err
	}

	return b.queue.Write(ctx, list)
}

func (b *broker) Open(ctx context.Context) (connector.Reader[string], error) {
	if err := b.up(); err != nil {
		return nil, err
	}
	r, err := b.queue.Open(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.readers = append(b.readers, r)

	return r, err
}

func (b *broker) restart(loses bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.readers {
		_ = r.Close()
	}
	b.readers, b.down = nil, 3
	if loses {
		swallow(context.Background(), b.Queue, 1)
	}
}

// brokerTest tests a queue whose broker can be restarted.
func brokerTest(loses bool) func(*testing.T) {
	return queueTest(nil, func(h *conntest.QueueHarness[string]) {
		start := h.New
		h.New = func(t testing.TB) connector.Queue[string] { return &broker{queue: start(t).(queue)} }
		h.Restart = func(_ testing.TB, q connector.Queue[string]) { q.(*broker).restart(loses) }
	})
}

// TestBrokerThatWorks shows that the broker is right but for its defect.
func TestBrokerThatWorks(t *testing.T) { brokerTest(false)(t) }
