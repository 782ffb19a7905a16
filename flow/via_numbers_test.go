package flow_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/flow"
)

// veiled is a queue of somebody else: all that flow knows of it is the interface.
type veiled struct{ connector.Queue[int] }

func (v veiled) Describe() connector.Capabilities { return connector.Describe(v.Queue) }

// copying embeds a queue in memory and makes new messages of what it is given, as a queue may
// that keeps nothing but headers.
type copying struct{ *queueconn.Queue[int] }

func (c copying) Write(_ context.Context, messages []connector.Message[int]) error {
	copies := make([]connector.Message[int], len(messages))
	for i, m := range messages {
		fields := m.Fields()
		copies[i] = connector.NewMessage(m.Value, connector.Fields{ID: fields.ID, Key: fields.Key, Headers: fields.Headers})
	}

	return c.Queue.Write(context.Background(), copies)
}

// TestViaKnowsMessagesAgain: whichever way a queue carries the number of a message, each
// ends on the far side once, with its own metadata.
func TestViaKnowsMessagesAgain(t *testing.T) {
	tests := map[string]func(*queueconn.Queue[int]) connector.Queue[int]{
		"told":     func(q *queueconn.Queue[int]) connector.Queue[int] { return q },
		"veiled":   func(q *queueconn.Queue[int]) connector.Queue[int] { return veiled{q} },
		"embedded": func(q *queueconn.Queue[int]) connector.Queue[int] { return copying{q} },
	}
	for name, wrapped := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, sink, rejected := memoryQueue(t, 10), memory.NewSink[int](), newDead()
				defer q.Close()
				p := flow.New("numbers", flow.From(memory.NewSource(numbers(500)...)).DeadLetter(rejected).
					Via(wrapped(q)).Map(failAt(333)).To(sink))
				mustRun(t, p)
				if l := p.Ledger(); l.Source.In != 500 || l.Source.Delivered != 499 || l.Source.DeadLettered != 1 {
					t.Errorf("ledger %+v", l)
				}
				if got := sink.Values(); len(got) != 499 || !slices.IsSorted(got) {
					t.Errorf("%d values, sorted: %v", len(got), slices.IsSorted(got))
				}
				for _, m := range sink.Messages() {
					if m.Header("millrace-hop") != "" || m.Position().Partition != "memory" {
						t.Fatalf("metadata %+v", m.Fields())
					}
				}
			})
		})
	}
}

// TestViaAfterMessagesOfOthers: a queue in memory may hold messages that this run did not
// write. They come before its own, and are not taken for them.
func TestViaAfterMessagesOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, sink := memoryQueue(t, 100), memory.NewSink[int]()
		defer q.Close()
		for i := range 7 {
			if err := q.Write(t.Context(), []connector.Message[int]{connector.NewMessage(-1-i, connector.Fields{})}); err != nil {
				t.Fatal(err)
			}
		}
		p := flow.New("others", flow.From(memory.NewSource(numbers(50)...)).Via(q).To(sink))
		mustRun(t, p)
		if l := p.Ledger(); l.Source.In != 50 || l.Source.Delivered != 50 {
			t.Errorf("ledger %+v", l)
		}
		if got := len(sink.Values()); got != 57 {
			t.Errorf("%d values", got)
		}
	})
}

// TestViaRefusedInPart: what the queue refuses ends at once, the rest on the far side.
func TestViaRefusedInPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, err := queueconn.NewMemory[int](queueconn.Config{MaxHeaders: 40})
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		sink, rejected := memory.NewSink[int](), newDead()
		long := string(make([]byte, 100))
		p := flow.New("refused", flow.From(memory.NewSource(numbers(60)...)).DeadLetter(rejected).
			MapMessage(func(_ context.Context, m connector.Message[int]) (connector.Message[int], error) {
				if m.Value%3 == 0 {
					m.Meta = m.WithKey(long)
				}

				return m, nil
			}).Via(q).To(sink))
		mustRun(t, p)
		if l := p.Ledger(); l.Source.Delivered != 40 || l.Source.DeadLettered != 20 {
			t.Errorf("ledger %+v", l)
		}
		for _, letter := range rejected.Values() {
			if letter.Value%3 != 0 {
				t.Errorf("letter %+v", letter)
			}
		}
	})
}
