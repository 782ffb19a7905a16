package flow

import (
	"container/list"
	"context"
	"fmt"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Completion says when a group of an Aggregate is complete. At least one field must be
// set; the first that applies counts. All open groups end with the input.
type Completion struct {
	// Count completes a group that has so many messages.
	Count int
	// Idle completes a group to which nothing has come for so long.
	Idle time.Duration
	// NewKey completes a group when a message of another key comes: for inputs in which
	// the messages of a key stand together.
	NewKey bool
}

// Aggregate makes one message of the messages of a key: add makes the group's value of
// the value so far (the zero Acc at first) and the next message.
//
// In memory, the messages of a group are in flight until the completed group has ended
// below; they end as it ends. When the pipeline stops, open groups go back to the
// source. With StoredIn a message is delivered when it is in its stored group; open
// groups stay in the store across stops and crashes, and a completed group that was not
// delivered is emitted again by the next run, with the same message ID. A group that
// fails then stops the pipeline and stays stored: put a DeadLetter below the Aggregate.
func (k Keyed[Key, T]) Aggregate[Acc any](when Completion, add func(Acc, T) Acc) Flow[Group[Key, Acc]] {
	n := newNode[T, Group[Key, Acc]]("aggregate", k.flow.n)
	n.traits |= holds | makes
	k.define(n)
	when.define(n)
	if k.durable {
		n.traits |= alone
	} else {
		n.bound = when.Count
	}
	n.require(add != nil, "the function is nil")
	n.wire = func(w *wiring, n *node) any {
		next, c := w.feed(n).(push[Group[Key, Acc]]), w.counter(n)
		if k.durable {
			return newStoredAggregate(w, n, c, k, when, add, next)
		}
		a := &aggregate[Key, T, Acc]{
			c: c, key: k.key, add: add, when: when, next: next,
			groups: make(map[Key]*list.Element), order: list.New(),
		}
		a.alarm = w.lane.alarm(a.ring)
		w.lane.finals = append(w.lane.finals, a.finish)
		w.lane.presses = append(w.lane.presses, a.press)

		return push[T](a.push)
	}

	return Flow[Group[Key, Acc]]{n: n}
}

func (when Completion) define(n *node) {
	n.require(when.Count > 0 || when.Idle > 0 || when.NewKey, "the Completion is empty: set Count, Idle or NewKey")
	n.require(when.Count >= 0, "Completion.Count is negative")
	n.require(when.Idle >= 0, "Completion.Idle is negative")
	n.options = append(n.options,
		option("count", when.Count), option("idle", when.Idle), option("new key", when.NewKey))
}

// aggregate keeps open groups in memory, the least recently changed first.
type aggregate[Key comparable, T, Acc any] struct {
	c      *counter
	key    func(T) Key
	add    func(Acc, T) Acc
	when   Completion
	next   push[Group[Key, Acc]]
	groups map[Key]*list.Element
	order  *list.List
	alarm  *alarm
	// stalled is set while the source is full and no group can end by itself; marked
	// tells whether anything moved in the meantime.
	stalled bool
	marked  int64
}

type openGroup[Key comparable, Acc any] struct {
	key     Key
	value   Acc
	members []*item
	last    time.Time
}

func (a *aggregate[Key, T, Acc]) push(ctx context.Context, it *item, value T) error {
	a.c.begin()
	k := a.key(value)
	e := a.groups[k]
	if e == nil {
		if front := a.order.Front(); a.when.NewKey && front != nil {
			a.emit(ctx, front, KeyChanged)
			*a.c.at = a.c.index
		}
		if most := a.c.lane.run.config.MaxKeys; len(a.groups) >= most {
			return a.c.fail(it, fmt.Errorf("more than %d open groups (Config.MaxKeys): store them, or complete them sooner", most))
		}
		var zero Acc
		// add may panic, so the group comes after it.
		e = a.order.PushBack(&openGroup[Key, Acc]{key: k, value: a.add(zero, value)})
		a.groups[k] = e
	} else {
		g := e.Value.(*openGroup[Key, Acc]) //nolint:forcetypeassert // the list holds nothing else
		g.value = a.add(g.value, value)
	}
	g := e.Value.(*openGroup[Key, Acc]) //nolint:forcetypeassert // the list holds nothing else
	g.members = append(g.members, it)
	if a.when.Idle > 0 {
		g.last = time.Now()
		a.order.MoveToBack(e)
		a.wind()
	}
	if len(g.members) == a.when.Count {
		a.emit(ctx, e, CountReached)
	}

	return errHeld
}

func (a *aggregate[Key, T, Acc]) remove(e *list.Element) *openGroup[Key, Acc] {
	g := a.order.Remove(e).(*openGroup[Key, Acc]) //nolint:forcetypeassert // the list holds nothing else
	delete(a.groups, g.key)
	a.wind()

	return g
}

func (a *aggregate[Key, T, Acc]) emit(ctx context.Context, e *list.Element, reason Reason) {
	g := a.remove(e)
	derived := newGroup(&a.c.lane.run.pipeline.derived, g.members, g.members[0].meta)
	launch(ctx, a.c.lane, a.next, derived,
		Group[Key, Acc]{Key: g.key, Value: g.value, Count: len(g.members), Reason: reason})
}

// wind sets the alarm to when the next group becomes idle.
func (a *aggregate[Key, T, Acc]) wind() {
	if a.when.Idle == 0 {
		return
	}
	a.alarm.at = time.Time{}
	if front := a.order.Front(); front != nil {
		a.alarm.at = front.Value.(*openGroup[Key, Acc]).last.Add(a.when.Idle) //nolint:forcetypeassert // nothing else
	}
}

func (a *aggregate[Key, T, Acc]) ring(ctx context.Context) {
	if a.stalled {
		a.unstall()

		return
	}
	for front := a.order.Front(); front != nil; front = a.order.Front() {
		due := front.Value.(*openGroup[Key, Acc]).last.Add(a.when.Idle) //nolint:forcetypeassert // nothing else
		if due.After(time.Now()) {
			break
		}
		a.emit(ctx, front, IdleTimeout)
	}
	a.wind()
}

// stallTime is how long a source may be full, with nothing moving, before an Aggregate
// gives up its oldest group.
const stallTime = 5 * time.Second

// press begins to watch for a stall: the source can hand out no more, and no group may
// ever be complete. Groups that become idle end by themselves.
func (a *aggregate[Key, T, Acc]) press(ctx context.Context) bool {
	if a.c.lane.run.dry.Load() {
		held := a.order.Len() > 0
		a.finish(ctx)

		return held
	}
	if a.when.Idle == 0 && a.order.Len() > 0 {
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
		"raise Config.MaxInFlight, set Completion.Idle, or use StoredIn", e.Members)
}

func (a *aggregate[Key, T, Acc]) unstall() {
	a.stalled = false
	front := a.order.Front()
	p := &a.c.lane.run.pressure
	if front == nil || !p.stuck() || p.moves.Load() != a.marked {
		return // if it still does not move, the next press begins again
	}
	g := a.remove(front)
	for _, it := range g.members {
		it.complete(a.c.fail(it, permanent(&GroupStalledError{Members: len(g.members)})))
	}
}

// finish ends every open group with the input, or gives it back when the pipeline stops.
func (a *aggregate[Key, T, Acc]) finish(ctx context.Context) {
	for front := a.order.Front(); front != nil; front = a.order.Front() {
		if !a.c.lane.run.stopping() {
			a.emit(ctx, front, InputEnded)

			continue
		}
		for _, it := range a.remove(front).members {
			it.complete(connector.ErrStopped)
		}
	}
}
