package flow

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Rate is how many messages a Throttle lets go on.
type Rate struct {
	// Limit messages may go on in each Per, one every Per/Limit.
	Limit int
	Per   time.Duration
	// Burst is how many may go on at once after a pause; zero means one. After a pause
	// of Burst*Per/Limit, the first Per can so see Limit+Burst-1 messages.
	Burst int
}

// Throttle lets messages go on no faster than the rate; the order is kept. It goes by the
// generic cell rate algorithm of ITU-T Recommendation I.371 (virtual scheduling), which is
// a token bucket without a timer for each token. A message that has to wait is held, and
// in flight, without keeping stages elsewhere from working; up to Config.MaxInFlight wait,
// then the stage makes those above it wait too. At the end of the input what is held goes
// on at its time; when the pipeline stops it goes back to the source.
//
// The rate is that of this stage in one run, not of several pipelines or processes.
func (f Flow[T]) Throttle[Same Flow[T]](rate Rate) Same { return Same(throttle(f, forAll[T], rate)) }

// Throttle lets the messages of each key go on no faster than the rate, as [Flow.Throttle]
// does for all. Within a key the order is kept; other keys pass by. A key that has rested
// is forgotten; a message of one key more than Config.MaxKeys that have not fails.
func (k Keyed[Key, T]) Throttle(rate Rate) Flow[T] {
	out := throttle(k.flow, k.key, rate)
	k.place(out.n)
	k.unforced(out.n)
	out.n.require(k.key != nil, "KeyBy was given a nil function")
	out.n.require(!k.durable, "StoredIn has no effect on Throttle: remove it")
	out.n.options = append(out.n.options, option("keyed", true))

	return out
}

// forAll puts all messages under one key.
func forAll[T any](T) struct{} { return struct{}{} }

func throttle[Key comparable, T any](f Flow[T], key func(T) Key, rate Rate) Flow[T] {
	n := passNode("throttle", f.n)
	n.traits |= holds | alone
	n.require(rate.Limit > 0, "Rate.Limit is %d: want at least 1", rate.Limit)
	n.require(rate.Per > 0, "Rate.Per is %v: want more than 0", rate.Per)
	n.require(rate.Burst >= 0, "Rate.Burst is negative")
	n.require(rate.Limit <= 0 || rate.Burst <= 1 || rate.Burst <= int(longest/rate.interval()),
		"Rate.Burst is %d, which takes longer than %v to gather: lower it", rate.Burst, longest)
	n.effect("rate", fmt.Sprintf("%d per %v", rate.Limit, rate.Per))
	if rate.Burst > 0 {
		n.options = append(n.options, option("burst", rate.Burst))
	}
	n.wire = func(w *wiring, n *node) any {
		next, c := w.feed(n).(push[T]), w.counter(n)
		t := &throttled[Key, T]{
			c: c, key: key, next: next, interval: rate.interval(), keys: make(map[Key]time.Time),
		}
		t.slack = time.Duration(max(rate.Burst, 1)-1) * t.interval
		t.alarm = w.lane.alarm(t.ring)
		w.lane.finals = append(w.lane.finals, t.finish)

		return push[T](t.push)
	}

	return Flow[T]{n: n}
}

// longest is the longest pause that a Throttle makes up for.
const longest = 365 * 24 * time.Hour

// interval is the time between two messages, rounded up so that the rate is never exceeded.
func (r Rate) interval() time.Duration {
	limit := time.Duration(r.Limit)

	return max((r.Per+limit-1)/limit, 1)
}

// throttled is a running Throttle.
type throttled[Key comparable, T any] struct {
	c    *counter
	key  func(T) Key
	next push[T]
	// interval is the time between two messages; slack is how far a key may be ahead.
	interval, slack time.Duration
	// keys has the theoretical arrival time of each key's next message. One that has
	// passed says the same as none.
	keys map[Key]time.Time
	// sweepAt is how many keys there may be before those that rest are looked for.
	sweepAt int
	held    schedule[T]
	alarm   *alarm
}

func (t *throttled[Key, T]) push(ctx context.Context, it *item, value *T) error {
	t.c.begin()
	k := t.key(*value)
	now := t.release(ctx)
	due, err := t.admit(k, now)
	switch {
	case err != nil:
		return t.c.fail(it, err)
	case !due.After(now):
		return t.next(ctx, it, value)
	case !t.makeRoom(ctx):
		return connector.ErrStopped
	}
	t.c.station.effect("rate")
	if t.held.add(due, entry[T]{it, *value}); t.held.size() == 1 {
		t.c.lane.load(1)
	}
	t.wind()

	return errHeld
}

// admit says when a message of the key may go on, and counts it.
func (t *throttled[Key, T]) admit(k Key, now time.Time) (time.Time, error) {
	next, known := t.keys[k]
	if !known {
		if err := t.sweep(now); err != nil {
			return now, err
		}
	}
	due := next.Add(-t.slack)
	if due.Before(now) {
		due = now
	}
	if next.Before(due) {
		next = due
	}
	t.keys[k] = next.Add(t.interval)

	return due, nil
}

// sweep forgets the keys that rest, where there are many, and makes sure that there may be
// one more.
func (t *throttled[Key, T]) sweep(now time.Time) error {
	const few = 64
	most := t.c.lane.run.config.MaxKeys
	if len(t.keys) < min(max(t.sweepAt, few), most) {
		return nil
	}
	for k, next := range t.keys {
		if !next.After(now) {
			delete(t.keys, k)
		}
	}
	t.sweepAt = 2 * len(t.keys)
	if len(t.keys) >= most {
		return connector.Transient(fmt.Errorf("more than %d keys are at work (Config.MaxKeys): split the keys over several flows", most))
	}

	return nil
}

// makeRoom waits until one more message may be held. It reports false when a stop comes
// first.
func (t *throttled[Key, T]) makeRoom(ctx context.Context) bool {
	run := t.c.lane.run
	for !run.stopping() {
		if t.held.size() < run.config.MaxInFlight {
			return true
		}
		pause(run.reading, time.Until(t.held.first()))
		t.release(ctx)
	}

	return false
}

// release lets go on what is due. It returns a time at which nothing was, so that a message
// which may go on then overtakes none that is held.
func (t *throttled[Key, T]) release(ctx context.Context) time.Time {
	now := time.Now()
	if t.held.size() == 0 {
		return now
	}
	for t.held.size() > 0 && !t.held.first().After(now) {
		e := t.take()
		launch(ctx, t.c.lane, t.next, e.it, &e.value)
		now = time.Now()
	}
	*t.c.at = t.c.index
	t.wind()

	return now
}

func (t *throttled[Key, T]) take() entry[T] {
	e := t.held.take()
	if t.held.size() == 0 {
		t.c.lane.load(-1)
	}

	return e
}

// wind sets the alarm to when the next message is due.
func (t *throttled[Key, T]) wind() {
	t.alarm.at = time.Time{}
	if t.held.size() > 0 {
		t.alarm.at = t.held.first()
	}
}

func (t *throttled[Key, T]) ring(ctx context.Context) { t.release(ctx) }

// finish lets what is held go on at its time, or gives it back when the pipeline stops.
func (t *throttled[Key, T]) finish(ctx context.Context) {
	run := t.c.lane.run
	t.c.lane.serve(ctx, func() bool { return t.held.size() > 0 && !run.stopping() })
	for t.held.size() > 0 {
		t.take().it.complete(connector.ErrStopped)
	}
	t.wind()
}
