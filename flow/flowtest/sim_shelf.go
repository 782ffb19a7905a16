package flowtest

import (
	"errors"
	"fmt"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// shelf is what a source or a queue holds, over all lives. One goroutine at a time
// touches it: the one whose effect happens.
type shelf[T any] struct {
	world *World
	label string
	caps  connector.Capabilities
	queue bool
	// forgets makes a queue lose everything in a crash, whatever it declares.
	forgets bool
	// rewinds makes a source begin anew with each start.
	rewinds bool
	items   []*shelved[T]
	// accepted counts what a queue has taken, by ID.
	accepted map[string]int
	handouts int
	problems []error
}

// shelved is one message on a shelf.
type shelved[T any] struct {
	value  T
	fields connector.Fields
	// owner has the message until it settles it, closes, or the lease is over.
	owner *simReader[T]
	lease time.Time
	due   time.Time
	// deliveries counts handouts; attempt leaves out those that a stop returned.
	deliveries, attempt, returned int
	// number is that of the last handout, counted over the shelf.
	number int
	done   bool
	// outcome and cause are those of the last settlement, which settled made for the
	// delivery-th handout.
	outcome  connector.Outcome
	cause    error
	settled  *simReader[T]
	delivery int
}

func newShelf[T any](w *World, name string) *shelf[T] {
	return &shelf[T]{
		world: w, label: name, accepted: make(map[string]int),
		caps: connector.Capabilities{Name: name, Returns: true},
	}
}

func (s *shelf[T]) name() string { return s.label }

// add puts a message on the shelf.
func (s *shelf[T]) add(value T, fields connector.Fields) {
	fields.Position = s.position(len(s.items))
	if fields.ID == "" {
		fields.ID = fields.Position.String()
	}
	it := &shelved[T]{value: value, fields: fields}
	if s.queue && s.caps.Delays {
		it.due, it.fields.NotBefore = fields.NotBefore, time.Time{}
	}
	s.items = append(s.items, it)
	s.accepted[fields.ID]++
}

// available lists what can be handed out now.
func (s *shelf[T]) available(now time.Time) []int {
	var free []int
	for i, it := range s.items {
		if it.done {
			continue
		}
		if it.owner != nil && !it.lease.IsZero() && !it.lease.After(now) {
			it.owner = nil // the lease is over
		}
		if it.owner == nil && !it.due.After(now) {
			free = append(free, i)
		}
	}

	return free
}

// ready reports whether a Read would return.
func (r *simReader[T]) ready() bool {
	return len(r.shelf.available(time.Now())) > 0 || r.ended()
}

// ended reports whether a Read would return io.EOF.
func (r *simReader[T]) ended() bool {
	if r.shelf.queue && !r.finishing {
		return false
	}
	for _, it := range r.shelf.items {
		if !it.done && (it.owner == nil || r.shelf.caps.Lease > 0) {
			return false
		}
	}

	return true
}

// due is when the next message is free, if any will be without further effects.
func (r *simReader[T]) due() time.Time {
	var first time.Time
	for _, it := range r.shelf.items {
		at := it.due
		if it.owner != nil {
			at = it.lease
		}
		if !it.done && !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}

	return first
}

// take hands messages out.
func (r *simReader[T]) take(e *effect, limit int) []connector.Message[T] {
	s, now := r.shelf, time.Now()
	free := s.available(now)
	plan := &r.life.sim.plan
	if e.fate.fault == Shuffled && !s.caps.Ordered {
		for i := range free {
			j := int(plan.draw(e, 200+uint64(i)) % uint64(len(free)))
			free[i], free[j] = free[j], free[i]
		}
	}
	n := min(limit, len(free))
	if n > 1 && plan.seed != 0 {
		n = 1 + int(plan.draw(e, 11)%uint64(n))
	}
	messages := make([]connector.Message[T], n)
	for i, index := range free[:n] {
		s.items[index].stamp(e, now)
		messages[i] = r.handOut(s.items[index], now)
	}
	if e.fate.fault == Twice && n > 0 {
		it := s.items[free[n-1]]
		fields := it.fields
		s.add(it.value, fields)
	}

	return messages
}

// stamp gives a message that has none an event time, by a clock that may be wrong.
func (it *shelved[T]) stamp(e *effect, now time.Time) {
	switch {
	case !it.fields.Time.IsZero():
	case e.fate.fault != ClockSkew:
		it.fields.Time = now
	case e.fate.done:
		it.fields.Time = now.Add(-time.Hour)
	default:
		it.fields.Time = now.Add(time.Hour)
	}
}

func (r *simReader[T]) handOut(it *shelved[T], now time.Time) connector.Message[T] {
	it.owner, it.lease = r, time.Time{}
	if lease := r.shelf.caps.Lease; lease > 0 {
		it.lease = now.Add(lease)
	}
	it.deliveries++
	it.attempt++
	r.shelf.handouts++
	it.number = r.shelf.handouts
	fields := it.fields
	fields.Attempt = it.attempt
	r.shelf.world.handouts[fields.ID]++
	r.order = append(r.order, fields.Position.Offset)
	r.out[fields.Position.Offset]++
	if r.out[fields.Position.Offset] > 1 {
		r.life.count.relet = true
	}
	if r.accounts() {
		r.life.count.in++
	}

	return connector.NewMessage(it.value, fields)
}

// accounts reports whether the messages are source messages of the pipeline, rather than
// on their way inside it.
func (r *simReader[T]) accounts() bool { return !r.shelf.queue || r.shelf.caps.Durable }

// settle takes one settlement.
func (r *simReader[T]) settle(set connector.Settlement) {
	s := r.shelf
	n := set.Position.Offset - 1
	if set.Position.Partition != s.label || n < 0 || n >= int64(len(s.items)) {
		s.problem("%s was settled, but it is no message of this source", set.Position)

		return
	}
	it := s.items[n]
	if set.Outcome == connector.Pending {
		s.problem("%s was settled without an outcome", set.Position)
	}
	repeated := r.out[set.Position.Offset] == 0
	if !repeated {
		r.out[set.Position.Offset]--
		if r.accounts() {
			r.life.count.settle(set)
		}
	}
	if it.owner != r {
		r.life.count.relet = r.life.count.relet || !repeated
		if repeated && !r.life.count.relet && it.settled == r && it.delivery == it.deliveries && it.outcome != set.Outcome {
			s.problem("%s was settled twice: as %v, and then as %v", it.fields.ID, it.outcome, set.Outcome)
		}

		return // settled before, or its lease was lost
	}
	r.inOrder(it, set)
	it.outcome, it.cause, it.settled, it.delivery = set.Outcome, set.Cause, r, it.deliveries
	switch {
	case set.Outcome.Done():
		it.owner, it.done = nil, true
		r.life.moved()
	case s.caps.Returns:
		it.owner, it.due = nil, time.Now().Add(set.Delay)
		if it.returned++; errors.Is(set.Cause, connector.ErrStopped) {
			it.attempt--
		}
	}
}

// inOrder checks that an ordered source learns the outcomes in the order of Read.
func (r *simReader[T]) inOrder(it *shelved[T], set connector.Settlement) {
	if !r.shelf.caps.Ordered {
		return
	}
	if len(r.order) == 0 || r.order[0] != set.Position.Offset {
		r.shelf.problem("%s was settled out of order, but the source is ordered", it.fields.ID)

		return
	}
	r.order = r.order[1:]
}

func (s *shelf[T]) problem(format string, args ...any) {
	s.problems = append(s.problems, fmt.Errorf(s.label+": "+format, args...))
}

func (s *shelf[T]) done() bool {
	for _, it := range s.items {
		if !it.done {
			return false
		}
	}

	return true
}

// restart gives back what readers had, or all that there is, and loses what a queue kept in memory.
func (s *shelf[T]) restart() {
	for _, it := range s.items {
		if it.owner != nil && s.caps.Lease == 0 {
			it.owner = nil
		}
		it.done = it.done && !s.rewinds
	}
	if s.queue && (!s.caps.Durable || s.forgets) {
		for _, it := range s.items {
			it.done, it.owner = true, nil
		}
	}
}

func (s *shelf[T]) outcomes() map[connector.Outcome]int {
	counts := make(map[connector.Outcome]int)
	for _, it := range s.items {
		counts[it.outcome]++
	}

	return counts
}

func (s *shelf[T]) depth() connector.Depth {
	var d connector.Depth
	now := time.Now()
	for _, it := range s.items {
		switch {
		case it.done:
		case it.owner != nil:
			d.Leased++
		case it.due.After(now):
			d.Delayed++
		default:
			d.Ready++
		}
	}

	return d
}
