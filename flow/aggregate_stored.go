package flow

import (
	"cmp"
	"context"
	"encoding/json/v2"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// storedAggregate keeps its groups in a store. The messages of one pass are added in one
// transaction and are delivered then. A completed group is moved, in the same
// transaction, to the done groups, and stays there until it has ended below.
type storedAggregate[Key comparable, T, Acc any] struct {
	run     *run
	c       *counter
	key     func(T) Key
	add     func(Acc, T) Acc
	when    Completion
	next    push[Group[Key, Acc]]
	state   states[Key, Acc]
	waiting []entry[T]
	alarm   *alarm
	// open tells when each group last got a message.
	open map[Key]time.Time
	// done waits to be emitted.
	done []doneGroup[Key, Acc]
}

type doneGroup[Key comparable, Acc any] struct {
	name  string
	group Group[Key, Acc]
}

func newStoredAggregate[Key comparable, T, Acc any](
	w *wiring, n *node, c *counter, k Keyed[Key, T], when Completion, add func(Acc, T) Acc, next push[Group[Key, Acc]],
) push[T] {
	a := &storedAggregate[Key, T, Acc]{
		run: w.run, c: c, key: k.key, add: add, when: when, next: next, open: make(map[Key]time.Time),
		state: newStates[Key, Acc](k.store, w.run.pipeline.name, w.plan.names[n]),
	}
	a.alarm = w.lane.alarm(a.ring)
	w.run.opens = append(w.run.opens, a.restore)
	w.lane.passes = append(w.lane.passes, a.pass)
	w.lane.finals = append(w.lane.finals, a.finish)

	return a.push
}

// restore reads what the run before left.
func (a *storedAggregate[Key, T, Acc]) restore(ctx context.Context) error {
	for e, err := range a.state.store.Scan(ctx, a.state.prefix, a.state.prefix+"\xff") {
		if err != nil {
			return fmt.Errorf("read the stored groups of stage %s: %w", a.c.station.name, err)
		}
		var s stored[Key, Acc]
		rest := strings.TrimPrefix(e.Key, a.state.prefix)
		if rest == doneCount || strings.HasPrefix(rest, seenIDs) {
			continue
		}
		if err := json.Unmarshal(e.Value, &s); err != nil {
			return fmt.Errorf("the stored group %s does not fit %T: rename the stage or migrate its state: %w",
				e.Key, s.Group, err)
		}
		if strings.HasPrefix(rest, doneGroups) {
			a.done = append(a.done, doneGroup[Key, Acc]{name: e.Key, group: s.Group})
		} else {
			a.open[s.Key] = s.Last
		}
	}
	a.wind()
	a.c.lane.rouse()

	return nil
}

func (a *storedAggregate[Key, T, Acc]) push(ctx context.Context, it *item, value T) error {
	a.c.begin()
	a.waiting = append(a.waiting, entry[T]{it, value})
	if len(a.waiting) >= mostPerCommit {
		a.pass(ctx)
	}

	return errHeld
}

// pass commits what waits and emits what is done.
func (a *storedAggregate[Key, T, Acc]) pass(ctx context.Context) bool {
	busy := len(a.waiting) > 0 || len(a.done) > 0
	if waiting := a.waiting; len(waiting) > 0 {
		a.waiting = nil
		a.commit(ctx, waiting)
	}
	a.emit(ctx)

	return busy
}

// commit adds messages to their groups, all or, where one of them cannot be stored,
// each by itself.
func (a *storedAggregate[Key, T, Acc]) commit(ctx context.Context, waiting []entry[T]) {
	t := a.begin()
	err := t.update(ctx, func(tx connector.KV) error {
		for _, e := range waiting {
			if err := t.take(ctx, tx, e); err != nil {
				return err
			}
		}

		return nil
	})
	switch {
	case err == nil:
		t.apply()
		for _, e := range waiting {
			a.c.ended(e.it, connector.Delivered)
			e.it.complete(nil)
		}
	case len(waiting) > 1 && connector.ClassOf(err) == connector.ClassPermanent:
		for i := range waiting {
			a.commit(ctx, waiting[i:i+1])
		}
	default:
		completeAll(a.c, waiting, err)
	}
}

// emit lets done groups go on. Each is a message of its own, owned by its record.
func (a *storedAggregate[Key, T, Acc]) emit(ctx context.Context) {
	done := a.done
	a.done = nil
	for _, d := range done {
		a.run.pipeline.derived.enter(1)
		meta := connector.MakeMeta(connector.Fields{ID: d.name})
		owner := &doneRecord{run: a.run, store: a.state.store, name: d.name, station: a.c.station}
		launch(ctx, a.c.lane, a.next, &item{meta: &meta, owner: owner}, d.group)
	}
}

// doneRecord is a completed group in the store, until it has ended below.
type doneRecord struct {
	run     *run
	store   connector.Store
	name    string
	station *station
}

func (d *doneRecord) finished(it *item, err error) {
	d.run.pipeline.derived.leave(it.outcome)
	if err == nil {
		err = guard(func() error { return d.store.Delete(d.run.settleCtx, d.name, connector.Any) })
	}
	if err != nil && !d.run.stopped(err) {
		d.run.fail(fmt.Errorf("flow %s: stage %s: a completed group stays in the store as %s, "+
			"put a DeadLetter below the Aggregate to catch it: %w", d.run.pipeline.name, d.station.name, d.name, err))
	}
}

// wake makes sure that the alarm rings before a group that has just got a message becomes
// idle. The alarm may ring too soon, but is not computed anew for each message.
func (a *storedAggregate[Key, T, Acc]) wake(last time.Time) {
	due := last.Add(a.when.Idle)
	if a.when.Idle > 0 && (a.alarm.at.IsZero() || due.Before(a.alarm.at)) {
		a.alarm.at = due
	}
}

// wind sets the alarm to when the next group becomes idle.
func (a *storedAggregate[Key, T, Acc]) wind() {
	a.alarm.at = time.Time{}
	if a.when.Idle == 0 {
		return
	}
	for _, last := range a.open {
		if due := last.Add(a.when.Idle); a.alarm.at.IsZero() || due.Before(a.alarm.at) {
			a.alarm.at = due
		}
	}
}

func (a *storedAggregate[Key, T, Acc]) ring(ctx context.Context) {
	var keys []Key
	for k, last := range a.open {
		if !last.Add(a.when.Idle).After(time.Now()) {
			keys = append(keys, k)
		}
	}
	a.complete(ctx, a.inOrder(keys), IdleTimeout)
	a.emit(ctx)
}

// inOrder sorts keys by when their groups last got a message.
func (a *storedAggregate[Key, T, Acc]) inOrder(keys []Key) []Key {
	slices.SortFunc(keys, func(x, y Key) int {
		return cmp.Or(a.open[x].Compare(a.open[y]), cmp.Compare(fmt.Sprint(x), fmt.Sprint(y)))
	})

	return keys
}

// complete ends groups that no message ends.
func (a *storedAggregate[Key, T, Acc]) complete(ctx context.Context, keys []Key, reason Reason) {
	if len(keys) == 0 {
		a.wind()

		return
	}
	t := a.begin()
	err := t.update(ctx, func(tx connector.KV) error {
		for _, k := range keys {
			if err := t.close(ctx, tx, k, reason); err != nil {
				return err
			}
		}

		return nil
	})
	if err != nil {
		a.run.fail(fmt.Errorf("flow %s: stage %s: complete %d group(s): %w",
			a.run.pipeline.name, a.c.station.name, len(keys), err))

		return
	}
	t.apply()
	a.wind()
}

// finish ends every open group with the input; when the pipeline stops they stay stored.
func (a *storedAggregate[Key, T, Acc]) finish(ctx context.Context) {
	if a.run.stopping() {
		return
	}
	keys := make([]Key, 0, len(a.open))
	for k := range a.open {
		keys = append(keys, k)
	}
	a.complete(ctx, a.inOrder(keys), InputEnded)
	a.emit(ctx)
}
