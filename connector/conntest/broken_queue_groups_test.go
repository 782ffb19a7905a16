package conntest_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/queueconn"
)

// topic is a queue of which each group has a copy of its own.
type topic struct {
	queue

	mu     *sync.Mutex
	groups map[string]*queueconn.Queue[string]
}

func (p topic) Write(ctx context.Context, list []message) error {
	p.mu.Lock()
	groups := slices.Collect(maps.Values(p.groups))
	p.mu.Unlock()
	for _, group := range groups {
		if err := group.Write(ctx, list); err != nil {
			return err
		}
	}

	return p.queue.Write(ctx, list)
}

// group returns what the group sees.
func (p topic) group(t testing.TB, name string) queue {
	t.Helper()
	q := startQueue(t, nil, func() (*queueconn.Queue[string], error) { return queueconn.NewMemory[string](queueConfig()) })
	p.mu.Lock()
	defer p.mu.Unlock()
	p.groups[name] = q.Queue

	return q
}

func topicTest(group func(t testing.TB, p topic, name string) connector.Queue[string]) func(*testing.T) {
	return queueTest(nil, func(h *conntest.QueueHarness[string]) {
		start := h.New
		h.New = func(t testing.TB) connector.Queue[string] {
			return topic{start(t).(queue), new(sync.Mutex), map[string]*queueconn.Queue[string]{}}
		}
		h.Group = func(t testing.TB, q connector.Queue[string], name string) connector.Queue[string] {
			return group(t, q.(topic), name)
		}
	})
}

// TestTopicThatWorks shows that the topic is right but for its defect.
func TestTopicThatWorks(t *testing.T) {
	topicTest(func(t testing.TB, p topic, name string) connector.Queue[string] { return p.group(t, name) })(t)
}

func sharedQueues() map[string]broken {
	return map[string]broken{
		"shares among groups": {topicTest(func(_ testing.TB, p topic, _ string) connector.Queue[string] { return p.queue }),
			failed("group/each gets every message")},
		"gives a group half": {topicTest(func(t testing.TB, p topic, name string) connector.Queue[string] {
			q := p.group(t, name)
			delete(p.groups, name)

			return q
		}), failed("group/each gets every message")},
		"copies to every reader": {queueTest(func(q *queue) {
			var mu sync.Mutex
			var values []string
			opens := 0
			q.write = func(ctx context.Context, list []message) error {
				mu.Lock()
				for _, m := range list {
					values = append(values, m.Value)
				}
				mu.Unlock()

				return q.Queue.Write(ctx, list)
			}
			q.open = func(r connector.Reader[string]) connector.Reader[string] {
				mu.Lock()
				defer mu.Unlock()
				if opens++; opens == 2 {
					for _, value := range slices.Clone(values) {
						_ = q.Queue.Write(context.Background(), []message{{Value: value}})
					}
				}

				return r
			}
		}, nil), failed("group/one: readers share the messages")},
		"begins with its readers": {queueTest(func(q *queue) {
			opens := 0
			q.open = func(r connector.Reader[string]) connector.Reader[string] {
				if opens++; opens == 3 {
					swallow(context.Background(), q.Queue, 10)
				}

				return r
			}
		}, nil), failed("open/a late reader gets what is there")},
	}
}
