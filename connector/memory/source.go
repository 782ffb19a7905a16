package memory

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Source hands out the messages that it was given and records what became of them. It
// declares Capabilities{Name: "memory", Returns: true} unless Declare says otherwise.
//
// A returned message is handed out again after its delay, with its Attempt counted up
// unless it was returned with connector.ErrStopped. A Reader's Read gives io.EOF when the source is finished, everything has been handed out
// and no returned message waits; messages that are with a reader do not hold it back (see
// HoldEOF). From then on that Reader gives nothing but io.EOF, and what is returned later
// waits for the next Open.
//
// Close of a Reader puts back what it handed out and was not told the outcome of, so a
// crash and a restart are a Close and another Open. Readers that are open at the same
// time compete for the messages.
type Source[T any] struct {
	opening, reading, settling script

	mu       sync.Mutex
	caps     connector.Capabilities
	items    []item[T]       // the message with offset n is items[n-1]
	low      int             // all below are done
	fresh    int             // all from here on were never handed out
	back     []int           // items to hand out again, by the time that they are due
	away     map[string]bool // partitions that were revoked
	parked   []int           // items of partitions that are away
	inFlight int
	finished bool
	holdEOF  bool
	changed  chan struct{} // closed to wake blocked Reads; nil when none blocks

	readers  []*reader[T] // open ones
	opens    int
	settled  []connector.Settlement
	extended []connector.Position
}

type item[T any] struct {
	value   T
	part    string          // partition
	meta    *connector.Meta // a copy of what was sent; nil for a plain value
	owner   *reader[T]
	due     time.Time // end of the lease or of the delay
	attempt int
	outcome connector.Outcome
}

// NewSource returns a finite source of values. Their positions are "memory:1",
// "memory:2" and so on; SendTo makes others.
func NewSource[T any](values ...T) *Source[T] {
	s := NewFeed(values...)
	s.finished = true

	return s
}

// NewFeed returns a source that is fed while it runs: Read waits until Send brings more
// or Finish says that nothing more will come.
func NewFeed[T any](values ...T) *Source[T] {
	s := &Source[T]{caps: connector.Capabilities{Name: "memory", Returns: true}}
	s.Send(values...)

	return s
}

// Declare sets the capabilities; an empty Name stays "memory". It must be called before
// the first Open.
//
// Without Returns, a message that comes back is handed out again only after Close. With
// Ordered, Settle refuses a settlement that is out of order. With a Lease, a message that
// is neither settled nor extended in time is handed out again, and io.EOF waits as with
// HoldEOF. With Partitioned, partitions can be revoked: see Revoke.
func (s *Source[T]) Declare(caps connector.Capabilities) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.caps = named(caps)
}

// HoldEOF makes Read wait with io.EOF until everything that was handed out is settled, as
// the Reader of a queue does.
func (s *Source[T]) HoldEOF() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holdEOF = true
}

// ScriptOpen says what the coming Opens do.
func (s *Source[T]) ScriptOpen(steps ...Step) { s.opening.add(steps) }

// ScriptRead says what the coming Reads do. Fail hands out nothing; the messages of
// PassThenFail come with the error.
func (s *Source[T]) ScriptRead(steps ...Step) { s.reading.add(steps) }

// ScriptSettle says what the coming Settles do. PassThenFail records the settlements and
// reports an error.
func (s *Source[T]) ScriptSettle(steps ...Step) { s.settling.add(steps) }

// Send adds values.
func (s *Source[T]) Send(values ...T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.send(partition, values)
}

// SendMessages adds messages with their ID, Key, Time and Headers; the source sets the
// Position and the Attempt.
func (s *Source[T]) SendMessages(messages ...connector.Message[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range messages {
		meta := connector.MakeMeta(m.Fields())
		s.items = append(s.items, item[T]{value: m.Value, part: partition, meta: &meta})
	}
	s.wake()
}

// Finish says that nothing more will be sent. What is sent all the same goes to Readers
// that have not given io.EOF yet, or to the next one.
func (s *Source[T]) Finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finished = true
	s.wake()
}

// Describe implements connector.Describer.
func (s *Source[T]) Describe() connector.Capabilities {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.caps
}

// Open implements connector.Source. Its Reader implements connector.Extender and
// connector.Revoker.
func (s *Source[T]) Open(ctx context.Context) (connector.Reader[T], error) {
	step, err := s.opening.begin(ctx)
	if err = step.finish(err); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opens++
	r := &reader[T]{source: s}
	s.readers = append(s.readers, r)

	return r, nil
}

// index finds the item of a position.
func (s *Source[T]) index(p connector.Position) (int, error) {
	if p.Offset < 1 || p.Offset > int64(s.fresh) || p.Partition != s.items[p.Offset-1].part {
		return 0, connector.Permanent(fmt.Errorf("memory: position %s was never handed out", p))
	}

	return int(p.Offset - 1), nil
}

// position is that of the item with this index.
func (s *Source[T]) position(index int) connector.Position {
	return connector.Position{Partition: s.items[index].part, Offset: int64(index) + 1}
}

func (s *Source[T]) wake() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

const partition = "memory"
