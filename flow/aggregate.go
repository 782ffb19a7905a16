package flow

import (
	"container/list"
	"context"
	"fmt"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Aggregate makes one message of the messages of a key: add makes the group's value of
// the value so far (the zero Acc at first) and the next message, and must not change the
// value that it is given in place. A group is complete as the Completion says, and as soon
// as a predicate of until holds for its value; it is the aggregator of Hohpe and Woolf's
// Enterprise Integration Patterns, and the predicate its completeness condition.
//
// In memory, the messages of a group are in flight until the completed group has ended
// below; they end as it ends. When the pipeline stops, open groups go back to the
// source; a partition that its source gives up waits for them. With StoredIn a message is delivered when it is in its stored group; open
// groups stay in the store across stops and crashes, and a completed group that was not
// delivered is emitted again by the next run, with the same message ID. A group that
// fails then stops the pipeline and stays stored: put a DeadLetter below the Aggregate.
//
// One run at a time has the stored groups: one that begins takes them over, and one that
// still runs under the same names, such as a process that was taken for dead, returns what
// it has in hand to the source and stops with connector.ErrFenced. A completed group that
// it had below by then comes twice, with the same message ID.
func (k Keyed[Key, T]) Aggregate[Acc any](
	when Completion, add func(Acc, T) Acc, until ...func(Acc) bool,
) Flow[Group[Key, Acc]] {
	n := stageNode[Group[Key, Acc]]("aggregate", k.flow.n)
	n.traits |= holds | makes
	k.define(n)
	when.define(n, len(until), k.forced)
	n.require(!k.forced || k.force != nil, "ForcedBy was given a nil Force")
	if k.durable {
		n.traits |= alone
	} else {
		n.bound = when.Count
	}
	n.require(add != nil, "the function is nil")
	for i, holds := range until {
		n.require(holds != nil, "predicate %d is nil", i+1)
	}
	n.wire = func(w *wiring, n *node) any {
		next, c := w.feed(n).(push[Group[Key, Acc]]), w.counter(n)
		if k.durable {
			return newStoredAggregate(w, n, k, &storedAggregate[Key, T, Acc]{c: c, add: add, when: when, until: until, next: next})
		}
		a := &aggregate[Key, T, Acc]{
			c: c, key: k.key, add: add, when: when, until: until, next: next,
			groups: make(map[Key]*openGroup[Key, Acc]),
		}
		a.alarm = w.lane.alarm(a.ring)
		a.unforce = k.force.listen(w, a.forceOne, a.forceAll)
		w.lane.finals = append(w.lane.finals, a.finish)
		w.lane.presses = append(w.lane.presses, a.press)

		return push[T](a.push)
	}

	return Flow[Group[Key, Acc]]{n: n}
}

// aggregate keeps open groups in memory.
type aggregate[Key comparable, T, Acc any] struct {
	c      *counter
	key    func(T) Key
	add    func(Acc, T) Acc
	when   Completion
	until  []func(Acc) bool
	next   push[Group[Key, Acc]]
	groups map[Key]*openGroup[Key, Acc]
	// order has the oldest group first. Where groups end by being idle, it has the one that
	// was changed longest ago first, and births the oldest.
	order, births list.List
	alarm         *alarm
	unforce       func()
	// stalled is set while the source is full and no group can end by itself; marked
	// tells whether anything moved in the meantime.
	stalled bool
	marked  int64
}

type openGroup[Key comparable, Acc any] struct {
	key         Key
	value       Acc
	members     []*item
	first, last time.Time
	// at and born are the group's places in order and in births.
	at, born *list.Element
}

func (a *aggregate[Key, T, Acc]) push(ctx context.Context, it *item, value *T) error {
	a.c.begin()
	k := a.key(*value)
	g := a.groups[k]
	if g == nil {
		if front := a.front(&a.order); a.when.NewKey && front != nil {
			a.emit(ctx, front, KeyChanged)
			*a.c.at = a.c.index
		}
		if most := a.c.lane.run.config.MaxKeys; len(a.groups) >= most {
			return a.c.fail(it, fmt.Errorf("more than %d open groups (Config.MaxKeys): store them, or complete them sooner", most))
		}
		g = &openGroup[Key, Acc]{key: k, members: make([]*item, 0, min(a.when.Count, mostAtOnce))}
	}
	// What the user wrote may panic, so the group changes after it.
	sum := a.add(g.value, *value)
	complete := anyHolds(a.until, sum)
	g.value = sum
	g.members = append(g.members, it)
	a.touch(g)
	switch {
	case len(g.members) == a.when.Count:
		a.emit(ctx, g, CountReached)
	case complete:
		a.emit(ctx, g, PredicateHeld)
	}

	return errHeld
}

// mostAtOnce bounds what is made for the members of a group before they are there.
const mostAtOnce = 64

// touch notes that the group has got a message, and opens it with its first.
func (a *aggregate[Key, T, Acc]) touch(g *openGroup[Key, Acc]) {
	if a.when.Idle > 0 || a.when.Interval > 0 && g.at == nil {
		g.last = time.Now()
	}
	switch {
	case g.at == nil:
		g.first = g.last
		g.at = a.order.PushBack(g)
		if a.when.Idle > 0 {
			g.born = a.births.PushBack(g)
		}
		a.groups[g.key] = g
	case a.when.Idle > 0:
		a.order.MoveToBack(g.at)
	default:
		return
	}
	a.wind()
}

// front returns the first group of a list, or nil.
func (a *aggregate[Key, T, Acc]) front(groups *list.List) *openGroup[Key, Acc] {
	e := groups.Front()
	if e == nil {
		return nil
	}

	return e.Value.(*openGroup[Key, Acc]) //nolint:forcetypeassert // the lists hold nothing else
}

func (a *aggregate[Key, T, Acc]) remove(g *openGroup[Key, Acc]) {
	a.order.Remove(g.at)
	if g.born != nil {
		a.births.Remove(g.born)
	}
	delete(a.groups, g.key)
	a.wind()
}

func (a *aggregate[Key, T, Acc]) emit(ctx context.Context, g *openGroup[Key, Acc], reason Reason) {
	a.remove(g)
	a.c.station.effect(completedBy[reason])
	derived := newGroup(&a.c.lane.run.pipeline.derived, g.members, g.members[0].meta)
	launch(ctx, a.c.lane, a.next, derived,
		&Group[Key, Acc]{Key: g.key, Value: g.value, Count: len(g.members), Reason: reason})
}

// earliest returns the group that ends by itself next, or nil, and when and why.
func (a *aggregate[Key, T, Acc]) earliest() (next *openGroup[Key, Acc], due time.Time, reason Reason) {
	for _, groups := range []*list.List{&a.order, &a.births} {
		g := a.front(groups)
		if g == nil || !a.when.timed() {
			break
		}
		if at, why := a.when.due(g.first, g.last); next == nil || at.Before(due) {
			next, due, reason = g, at, why
		}
	}

	return next, due, reason
}

// wind sets the alarm to when the next group ends by itself.
func (a *aggregate[Key, T, Acc]) wind() {
	if a.when.timed() {
		_, a.alarm.at, _ = a.earliest()
	}
}

func (a *aggregate[Key, T, Acc]) ring(ctx context.Context) {
	if a.stalled {
		a.unstall()

		return
	}
	for {
		g, due, reason := a.earliest()
		if g == nil || due.After(time.Now()) {
			break
		}
		a.emit(ctx, g, reason)
	}
	a.wind()
}

func (a *aggregate[Key, T, Acc]) forceOne(ctx context.Context, key Key) {
	if g := a.groups[key]; g != nil {
		a.emit(ctx, g, Forced)
	}
}

func (a *aggregate[Key, T, Acc]) forceAll(ctx context.Context) {
	for g := a.front(&a.order); g != nil; g = a.front(&a.order) {
		a.emit(ctx, g, Forced)
	}
}

// stallTime is how long a source may be full, with nothing moving, before an Aggregate
// gives up its oldest group.
const stallTime = 5 * time.Second

// press begins to watch for a stall: the source can hand out no more, and no group may
// ever be complete. Groups with a time end by themselves.
func (a *aggregate[Key, T, Acc]) press(ctx context.Context) bool {
	if a.c.lane.run.dry.Load() {
		held := a.order.Len() > 0
		a.finish(ctx)

		return held
	}
	if !a.when.timed() && a.order.Len() > 0 {
		a.stalled, a.marked = true, a.c.lane.run.pressure.moves.Load()
		a.alarm.at = time.Now().Add(stallTime)
	}

	return false
}

// GroupStalledError is why the messages of a group failed: the pipeline holds as many
// messages as it may, and none of its groups was complete.
type GroupStalledError struct {
	// Members is how many messages the group had.
	Members int
}

// Error says what to do.
func (e *GroupStalledError) Error() string {
	return fmt.Sprintf("the pipeline is full and this group of %d message(s) is not complete: "+
		"raise Config.MaxInFlight, set Completion.Idle or Interval, or use StoredIn", e.Members)
}

func (a *aggregate[Key, T, Acc]) unstall() {
	a.stalled = false
	g := a.front(&a.order)
	p := &a.c.lane.run.pressure
	if g == nil || !p.stuck() || p.moves.Load() != a.marked {
		return // if it still does not move, the next press begins again
	}
	a.remove(g)
	for _, it := range g.members {
		it.complete(a.c.fail(it, permanent(&GroupStalledError{Members: len(g.members)})))
	}
}

// finish ends every open group with the input, or gives it back when the pipeline stops.
func (a *aggregate[Key, T, Acc]) finish(ctx context.Context) {
	a.unforce()
	for g := a.front(&a.order); g != nil; g = a.front(&a.order) {
		if !a.c.lane.run.stopping() {
			a.emit(ctx, g, InputEnded)

			continue
		}
		a.remove(g)
		for _, it := range g.members {
			it.complete(connector.ErrStopped)
		}
	}
}
