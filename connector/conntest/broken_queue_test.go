package conntest_test

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/queueconn"
)

// queue is a queueconn.Queue with one defect.
type queue struct {
	*queueconn.Queue[string]

	write func(ctx context.Context, list []message) error
	depth func(d connector.Depth) connector.Depth
	open  func(r connector.Reader[string]) connector.Reader[string]
	caps  func(c connector.Capabilities) connector.Capabilities
	close func() error

	finished *atomic.Bool // of the Readers that remember it here
}

func (q queue) Describe() connector.Capabilities {
	if q.caps != nil {
		return q.caps(q.Queue.Describe())
	}

	return q.Queue.Describe()
}

func (q queue) Close() error {
	if q.close != nil {
		return q.close()
	}

	return q.Queue.Close()
}

func (q queue) Write(ctx context.Context, list []message) error {
	if q.write != nil {
		return q.write(ctx, list)
	}

	return q.Queue.Write(ctx, list)
}

func (q queue) Depth(ctx context.Context) (connector.Depth, error) {
	depth, err := q.Queue.Depth(ctx)
	if q.depth != nil {
		depth = q.depth(depth)
	}

	return depth, err
}

func (q queue) Open(ctx context.Context) (connector.Reader[string], error) {
	reader, err := q.Queue.Open(ctx)
	if q.open != nil && err == nil {
		reader = q.open(reader)
	}

	return reader, err
}

func queueConfig() queueconn.Config {
	return queueconn.Config{
		Name: "test", Lease: time.Minute, MaxAttempts: 4, MaxMessages: 60, MaxBody: maxBody, MaxHeaders: maxHeaders,
	}
}

const (
	maxBody    = 3000
	maxHeaders = 4000
)

func queueTest(spoil func(q *queue), edit func(h *conntest.QueueHarness[string])) func(*testing.T) {
	return func(t *testing.T) {
		h := conntest.QueueHarness[string]{
			New: func(t testing.TB) connector.Queue[string] {
				return startQueue(t, spoil, func() (*queueconn.Queue[string], error) {
					return queueconn.NewMemory[string](queueConfig())
				})
			},
			Value: strconv.Itoa, MaxAttempts: 4, Capacity: 60, Metadata: true, Virtual: true,
			Edges: []string{"", "\x00", strings.Repeat("x", maxBody)}, MaxHeaders: maxHeaders, Dead: deadLetters,
		}
		if edit != nil {
			edit(&h)
		}
		conntest.TestQueue(t, h)
	}
}

func startQueue(t testing.TB, spoil func(q *queue), open func() (*queueconn.Queue[string], error)) queue {
	t.Helper()
	inner, err := open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = inner.Close() })
	q := queue{Queue: inner, finished: new(atomic.Bool)}
	if spoil != nil {
		spoil(&q)
	}

	return q
}

func deadLetters(t testing.TB, q connector.Queue[string]) []connector.DeadLetter[string] {
	t.Helper()
	var list []connector.DeadLetter[string]
	for letter, err := range q.(interface {
		Dead(ctx context.Context) iter.Seq2[connector.DeadLetter[string], error]
	}).Dead(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, letter)
	}

	return list
}

// TestQueueThatWorks shows that the queue is right but for its defect.
func TestQueueThatWorks(t *testing.T) { queueTest(nil, nil)(t) }

// writing spoils what is written.
func writing(edit func(list []message) []message) func(*testing.T) {
	return queueTest(func(q *queue) {
		q.write = func(ctx context.Context, list []message) error {
			return q.Queue.Write(ctx, edit(slices.Clone(list)))
		}
	}, nil)
}

// plain hides what a Reader can do beyond Reader.
type plain struct{ connector.Reader[string] }

// hasty settles with another delay or cause, but keeps the rest.
type hasty struct {
	connector.Reader[string]
	connector.Extender
	connector.Finisher

	edit func(s settlement) settlement
}

func (h hasty) Settle(ctx context.Context, list []settlement) error {
	for i := range list {
		list[i] = h.edit(list[i])
	}

	return h.Reader.Settle(ctx, list)
}

// dated hands out messages with a time to come.
type dated struct{ hasty }

func (d dated) Read(ctx context.Context, most int) ([]message, error) {
	list, err := d.hasty.Read(ctx, most)
	for i, m := range list {
		list[i].Meta = m.WithNotBefore(time.Now().Add(time.Hour))
	}

	return list, err
}

func settling(edit func(s settlement) settlement) func(*testing.T) {
	return queueTest(func(q *queue) {
		q.open = func(r connector.Reader[string]) connector.Reader[string] {
			return hasty{Reader: r, Extender: r.(connector.Extender), Finisher: r.(connector.Finisher), edit: edit}
		}
	}, nil)
}

func brokenQueues() map[string]broken {
	all := map[string]broken{}
	for _, part := range []map[string]broken{
		simpleQueues(), edgyQueues(), doubtfulQueues(), placelessQueues(), fullQueues(), busyQueues(), sharedQueues(), mortalQueues(),
	} {
		maps.Copy(all, part)
	}

	return all
}

func simpleQueues() map[string]broken {
	return map[string]broken{
		"turns the order": {writing(func(list []message) []message {
			slices.Reverse(list)

			return list
		}), failed("write/read in order")},
		"writes twice": {writing(func(list []message) []message {
			return append(list, list...)
		}), failed("write/read in order")},
		"drops metadata": {writing(func(list []message) []message {
			for i, m := range list {
				list[i] = message{Value: m.Value}
			}

			return list
		}), failed("write/metadata travels")},
		"writes after the context": {queueTest(func(q *queue) {
			q.write = func(ctx context.Context, list []message) error {
				if err := q.Queue.Write(context.WithoutCancel(ctx), list); err != nil {
					return err
				}

				return ctx.Err()
			}
		}, nil), failed("write/context already ended")},
		"miscounts": {queueTest(func(q *queue) {
			q.depth = func(d connector.Depth) connector.Depth {
				d.Leased = 0

				return d
			}
		}, nil), failed("depth/counts")},
		"cannot extend": {queueTest(func(q *queue) {
			q.open = func(r connector.Reader[string]) connector.Reader[string] { return plain{r} }
		}, nil), failed("lease/extended")},
		"ignores the delay": {settling(func(s settlement) settlement {
			s.Delay = 0

			return s
		}), failed("return/waits for its delay")},
		"writes at once": {writing(func(list []message) []message {
			for i, m := range list {
				list[i].Meta = m.WithNotBefore(time.Time{})
			}

			return list
		}), failed("delay/waits for its time")},
		"passes the time on": {queueTest(func(q *queue) {
			q.open = func(r connector.Reader[string]) connector.Reader[string] {
				return dated{hasty{Reader: r, Extender: r.(connector.Extender), Finisher: r.(connector.Finisher), edit: func(s settlement) settlement { return s }}}
			}
		}, nil), failed("delay/waits for its time")},
		"counts what was stopped": {settling(func(s settlement) settlement {
			s.Cause = errBad

			return s
		}), failed("return/stopped is no attempt")},
		"tries too often":   {queueTest(nil, func(h *conntest.QueueHarness[string]) { h.MaxAttempts = 3 }), failed("return/given up")},
		"gives up early":    {queueTest(nil, func(h *conntest.QueueHarness[string]) { h.MaxAttempts = 5 }), failed("return/given up")},
		"holds too much":    {queueTest(nil, func(h *conntest.QueueHarness[string]) { h.Capacity = 59 }), failed("full/a write waits or fails")},
		"finishes for ever": {queueTest(finishForEver, nil), failed("finish/holds until every reader is closed")},
		"forgets on a halt": {queueTest(nil, forgetOnReopen), failed("reopen/nothing is lost")},
	}
}

func forgetOnReopen(h *conntest.QueueHarness[string]) {
	h.Reopen = func(t testing.TB, _ connector.Queue[string]) connector.Queue[string] { return h.New(t) }
}

// lasting remembers Finish.
type lasting struct {
	hasty

	finished *bool
}

func (l lasting) Finish() { *l.finished = true; l.hasty.Finish() }

func finishForEver(q *queue) {
	finished := false
	q.open = func(r connector.Reader[string]) connector.Reader[string] {
		same := func(s settlement) settlement { return s }

		return lasting{hasty{r, r.(connector.Extender), r.(connector.Finisher), same}, &finished}
	}
	q.write = func(ctx context.Context, list []message) error {
		if finished {
			return connector.Permanent(errBad)
		}

		return q.Queue.Write(ctx, list)
	}
}
