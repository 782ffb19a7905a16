package conntest

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// session is one Open of a source or queue; its methods check what every Read and Settle
// owes.
type session[T any] struct {
	suite

	t      *testing.T
	source connector.Source[T]
	reader connector.Reader[T]
	eof    bool
	closed bool
	fed    []fed[T]
}

func open[T any](t *testing.T, s suite, source connector.Source[T]) *session[T] {
	t.Helper()
	o := &session[T]{suite: s, t: t, source: source}
	o.start()
	t.Cleanup(o.close)

	return o
}

func (o *session[T]) start() {
	o.t.Helper()
	// The context of Open must not bound the Reader, so it ends at once.
	ctx, cancel := context.WithTimeout(o.t.Context(), o.wait)
	defer cancel()
	reader, err := o.source.Open(ctx)
	if err != nil {
		o.t.Fatalf("Open: %v", err)
	}
	o.reader, o.eof, o.closed = reader, false, false
}

func (o *session[T]) close() {
	if o.closed {
		return
	}
	o.closed = true
	if err := o.reader.Close(); err != nil {
		o.t.Errorf("Close: %v", err)
	}
}

func (o *session[T]) reopen() {
	o.t.Helper()
	o.close()
	o.start()
}

// read is one Read; afterwards eof says whether it was the last.
func (o *session[T]) read(limit int) []connector.Message[T] {
	o.t.Helper()
	messages, err := o.readFor(o.wait, limit)
	if err != nil && !o.eof {
		o.t.Fatalf("Read: %v", err)
	}

	return messages
}

// readFor is one Read that may take the given time.
func (o *session[T]) readFor(d time.Duration, limit int) ([]connector.Message[T], error) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), d)
	defer cancel()
	messages, err := o.reader.Read(ctx, limit)
	if len(messages) > limit {
		o.t.Errorf("Read gave %d messages, more than the %d asked for", len(messages), limit)
	}
	if len(messages) == 0 && err == nil {
		o.t.Fatal("Read gave neither a message nor an error")
	}
	o.eof = errors.Is(err, io.EOF)

	return messages, err
}

// take reads exactly n messages.
func (o *session[T]) take(n int) []connector.Message[T] {
	o.t.Helper()
	var messages []connector.Message[T]
	for len(messages) < n {
		if o.eof {
			o.t.Fatalf("Read gave io.EOF after %d messages, want %d", len(messages), n)
		}
		messages = append(messages, o.read(n-len(messages))...)
	}

	return messages
}

// quiet asserts that nothing is handed out for d.
func (o *session[T]) quiet(d time.Duration) {
	o.t.Helper()
	messages, err := o.readFor(d, 10)
	for _, m := range messages {
		o.t.Errorf("message %s was handed out, attempt %d", m.ID(), m.Attempt())
	}
	if !o.eof && !errors.Is(err, context.DeadlineExceeded) {
		o.t.Errorf("Read: %v: want the error of the context that ended", err)
	}
}

// settle ends messages; those that failed get a cause.
func (o *session[T]) settle(outcome connector.Outcome, messages ...connector.Message[T]) {
	o.t.Helper()
	s := connector.Settlement{Outcome: outcome}
	if outcome > connector.Delivered {
		s.Cause = errRefused
	}
	o.settleAs(s, messages)
}

// giveBack returns messages.
func (o *session[T]) giveBack(cause error, delay time.Duration, messages ...connector.Message[T]) {
	o.t.Helper()
	o.settleAs(connector.Settlement{Outcome: connector.Returned, Cause: cause, Delay: delay}, messages)
}

func (o *session[T]) settleAs(s connector.Settlement, messages []connector.Message[T]) {
	o.t.Helper()
	settlements := make([]connector.Settlement, len(messages))
	for i, m := range messages {
		settlements[i] = s
		settlements[i].Position = m.Position()
	}
	if err := o.reader.Settle(o.context(o.t), settlements); err != nil {
		o.t.Fatalf("Settle %s: %v", s.Outcome, err)
	}
	clear(settlements) // the slice belongs to the caller
}

var errRefused = errors.New("refused by the test")

// identity is what must not change when a message is handed out again.
type identity struct {
	id       string
	position connector.Position
}

func identify[T any](messages []connector.Message[T]) map[identity]int {
	attempts := make(map[identity]int, len(messages))
	for _, m := range messages {
		attempts[identity{m.ID(), m.Position()}] = m.Attempt()
	}

	return attempts
}

// checkIdentities checks positions and IDs of messages that were handed out once each.
func checkIdentities[T any](t *testing.T, messages []connector.Message[T]) {
	t.Helper()
	ids, positions := map[string]bool{}, map[connector.Position]bool{}
	last := map[string]int64{}
	for i, m := range messages {
		p := m.Position()
		if p.IsZero() || positions[p] {
			t.Errorf("message %d has position %q, which is zero or not its own", i, p)
		}
		if m.ID() == "" || ids[m.ID()] {
			t.Errorf("message %d has ID %q, which is empty or not its own", i, m.ID())
		}
		if before, ok := last[p.Partition]; ok && p.Offset <= before {
			t.Errorf("message %d has position %s, which is not behind offset %d", i, p, before)
		}
		ids[m.ID()], positions[p], last[p.Partition] = true, true, p.Offset
		checkEncoding(t, p)
	}
}

func checkEncoding(t *testing.T, p connector.Position) {
	t.Helper()
	var decoded connector.Position
	text, err := p.MarshalText()
	if err != nil {
		t.Errorf("position %s: %v", p, err)
	}
	if err := decoded.UnmarshalText(text); err != nil || decoded != p {
		t.Errorf("position %s decodes as %s, error %v", p, decoded, err)
	}
}

// checkRedelivered checks that the same messages came again, with their attempt counted
// up where the source counts.
func checkRedelivered[T any](t *testing.T, before, after []connector.Message[T], counted int) {
	t.Helper()
	checkSame(t, before, after)
	is := identify(after)
	for who, attempt := range identify(before) {
		if again, ok := is[who]; ok && attempt != 0 && again != attempt+counted {
			t.Errorf("message %s has attempt %d after %d, want %d", who.id, again, attempt, attempt+counted)
		}
	}
}

// checkSame checks that the same messages came, under the same IDs and positions.
func checkSame[T any](t *testing.T, before, after []connector.Message[T]) {
	t.Helper()
	was, is := identify(before), identify(after)
	for who := range was {
		if _, ok := is[who]; !ok {
			t.Errorf("message %s at %s did not come again under this ID and position", who.id, who.position)
		}
	}
	for who := range is {
		if _, ok := was[who]; !ok {
			t.Errorf("message %s at %s came although it was not due", who.id, who.position)
		}
	}
}

func valuesOf[T any](messages []connector.Message[T]) []T {
	list := make([]T, len(messages))
	for i, m := range messages {
		list[i] = m.Value
	}

	return list
}

// snapshot copies messages that are compared after they were settled, when the Reader may
// use their metadata again.
func snapshot[T any](messages []connector.Message[T]) []connector.Message[T] {
	copies := make([]connector.Message[T], len(messages))
	for i, m := range messages {
		copies[i] = connector.NewMessage(m.Value, m.Fields())
	}

	return copies
}
