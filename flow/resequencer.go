package flow

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// resequencer runs on one lane; what the ends of messages change has a lock.
type resequencer[Key comparable, T any] struct {
	c      *counter
	key    func(T) Key
	number func(T) int64
	spec   Sequence
	next   push[T]
	keys   map[Key]*sequence[T]
	// gaps has the sequences that wait for a number, the one that waits longest first.
	gaps  list.List
	held  int
	alarm *alarm
	// stalled is set while the source is full and no gap ends by itself; marked tells
	// whether anything moved in the meantime.
	stalled bool
	marked  int64
}

// early is a message whose turn has not come, and those that repeat it.
type early[T any] struct {
	entry[T]

	number int64
	behind []*item
}

// push takes one message.
func (r *resequencer[Key, T]) push(ctx context.Context, it *item, value *T) error {
	r.c.begin()
	k, number := r.key(*value), r.number(*value)
	if number == math.MaxInt64 {
		return r.c.fail(it, connector.Permanent(errors.New("the number is the largest int64, which nothing can follow")))
	}
	s := r.keys[k]
	if s == nil {
		if most := r.c.lane.run.config.MaxKeys; len(r.keys) >= most {
			return r.c.fail(it, fmt.Errorf("more than %d keys (Config.MaxKeys): split the keys over several flows", most))
		}
		s = newSequence[T](fmt.Sprint(k), r.spec.First)
		r.keys[k] = s
	}
	may, missing := s.turn(it, number)
	switch may {
	case turnNow:
		r.release(ctx, s, it, value, &passage[T]{number: number})
		r.drain(ctx, s)
	case turnBehind:
	case turnDone:
		r.c.ended(it, connector.Duplicate)

		return nil
	case turnLate:
		return r.c.fail(it, connector.Permanent(&LateError{Key: s.name, Number: number, Next: missing}))
	default:
		return r.hold(ctx, s, early[T]{entry: entry[T]{it, *value}, number: number})
	}

	return errHeld
}

// hold keeps a message until its turn comes.
func (r *resequencer[Key, T]) hold(ctx context.Context, s *sequence[T], e early[T]) error {
	if r.held >= r.spec.Held && r.spec.Wait == 0 {
		return r.c.fail(e.it, connector.Transient(&GapError{Key: s.name, Number: e.number, Missing: s.reached()}))
	}
	i, _ := s.find(e.number)
	s.early = slices.Insert(s.early, i, e)
	r.held++
	r.watch(s, false)
	if r.held > r.spec.Held {
		r.skip(ctx, r.longest())
	}

	return errHeld
}

// release lets one message go on.
func (r *resequencer[Key, T]) release(ctx context.Context, s *sequence[T], it *item, value *T, p *passage[T]) {
	p.sequence, p.owner, p.station = s, it.owner, r.c.station
	s.enter(p)
	it.owner = p
	launch(ctx, r.c.lane, r.next, it, value)
	*r.c.at = r.c.index
}

// releaseFirst lets go on the first of the messages that a sequence holds.
func (r *resequencer[Key, T]) releaseFirst(ctx context.Context, s *sequence[T]) {
	e := r.take(s)
	r.release(ctx, s, e.it, &e.value, &passage[T]{number: e.number, behind: e.behind})
}

// drain lets go on what is held and whose turn has come.
func (r *resequencer[Key, T]) drain(ctx context.Context, s *sequence[T]) {
	for len(s.early) > 0 && s.early[0].number == s.reached() {
		r.releaseFirst(ctx, s)
	}
	r.watch(s, true)
}

// take removes the first of the messages that a sequence holds.
func (r *resequencer[Key, T]) take(s *sequence[T]) early[T] {
	e := s.early[0]
	s.early = slices.Delete(s.early, 0, 1)
	r.held--

	return e
}

// skip gives up the numbers that are missing before what a sequence holds.
func (r *resequencer[Key, T]) skip(ctx context.Context, s *sequence[T]) {
	r.c.station.effect("wait")
	s.skipTo(s.early[0].number)
	r.releaseFirst(ctx, s)
	r.drain(ctx, s)
}

// watch has the time of a sequence's gap begin, anew if it has moved.
func (r *resequencer[Key, T]) watch(s *sequence[T], moved bool) {
	if s.gap != nil && (moved || len(s.early) == 0) {
		r.gaps.Remove(s.gap)
		s.gap = nil
	}
	if s.gap == nil && len(s.early) > 0 {
		s.since = time.Now()
		s.gap = r.gaps.PushBack(s)
	}
	r.wind()
}

// longest returns the sequence that has waited longest for a number, or nil.
func (r *resequencer[Key, T]) longest() *sequence[T] {
	front := r.gaps.Front()
	if front == nil {
		return nil
	}

	return front.Value.(*sequence[T]) //nolint:forcetypeassert // the list holds nothing else
}

// wind sets the alarm to when the next number is skipped.
func (r *resequencer[Key, T]) wind() {
	if r.spec.Wait == 0 {
		return
	}
	r.alarm.at = time.Time{}
	if s := r.longest(); s != nil {
		r.alarm.at = s.since.Add(r.spec.Wait)
	}
}

func (r *resequencer[Key, T]) ring(ctx context.Context) {
	if r.spec.Wait == 0 {
		r.unstall()

		return
	}
	for s := r.longest(); s != nil && !s.since.Add(r.spec.Wait).After(time.Now()); s = r.longest() {
		r.skip(ctx, s)
	}
	r.wind()
}

// press begins to watch for a stall, unless gaps end by themselves.
func (r *resequencer[Key, T]) press(ctx context.Context) bool {
	run := r.c.lane.run
	if run.dry.Load() {
		held := r.held > 0
		r.finish(ctx)

		return held
	}
	if r.spec.Wait == 0 && r.held > 0 {
		r.stalled, r.marked = true, run.pressure.moves.Load()
		r.alarm.at = time.Now().Add(stallTime)
	}

	return false
}

// unstall fails what is held first where the gap has lasted longest.
func (r *resequencer[Key, T]) unstall() {
	p := &r.c.lane.run.pressure
	s := r.longest()
	if !r.stalled || s == nil || !p.stuck() || p.moves.Load() != r.marked {
		r.stalled = false

		return // if it still does not move, the next press begins again
	}
	r.stalled = false
	r.fail(s)
}

// fail gives up the first of the messages that a sequence holds.
func (r *resequencer[Key, T]) fail(s *sequence[T]) {
	e := r.take(s)
	r.watch(s, false)
	cause := &GapError{Key: s.name, Number: e.number, Missing: s.reached()}
	for _, it := range append([]*item{e.it}, e.behind...) {
		it.complete(r.c.fail(it, connector.Transient(cause)))
	}
}

// finish lets go of everything with the end of the input, or gives it back when the
// pipeline stops.
func (r *resequencer[Key, T]) finish(ctx context.Context) {
	for s := r.longest(); s != nil; s = r.longest() {
		switch {
		case r.c.lane.run.stopping():
			e := r.take(s)
			r.watch(s, false)
			for _, it := range append([]*item{e.it}, e.behind...) {
				it.complete(connector.ErrStopped)
			}
		case r.spec.Wait > 0:
			r.skip(ctx, s)
		default:
			r.fail(s)
		}
	}
}
