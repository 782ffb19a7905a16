package flow

import (
	"cmp"
	"context"
	"encoding/json/v2"
	"errors"
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
	until   []func(Acc) bool
	next    push[Group[Key, Acc]]
	state   states[Key, Acc]
	waiting []entry[T]
	alarm   *alarm
	unforce func()
	// owner is the version of the entry by which this run has taken the groups over.
	owner connector.Version
	// open has the times of the open groups.
	open map[Key]span
	// done waits to be emitted; newest is the greatest name of a done group so far.
	done   []doneGroup[Key, Acc]
	newest string
}

// span is when a group got its first message and its last. The zero span is that of a group
// that is not open.
type span struct{ first, last time.Time }

func (s span) open() bool { return s != span{} }

// ending is an open group that is to be completed.
type ending[Key comparable] struct {
	key    Key
	reason Reason
}

type doneGroup[Key comparable, Acc any] struct {
	name  string
	group Group[Key, Acc]
}

func newStoredAggregate[Key comparable, T, Acc any](
	w *wiring, n *node, k Keyed[Key, T], a *storedAggregate[Key, T, Acc],
) push[T] {
	a.run, a.key, a.open = w.run, k.key, make(map[Key]span)
	a.state = newStates[Key, Acc](k.store, w.run.pipeline.name, w.plan.names[n])
	a.alarm = w.lane.alarm(a.ring)
	a.unforce = k.force.listen(w, a.forceOne, a.forceAll)
	w.run.opens = append(w.run.opens, a.takeOver)
	w.lane.passes = append(w.lane.passes, a.pass)
	w.lane.finals = append(w.lane.finals, a.finish)

	return a.push
}

// restore reads what the run before left, or what a commit of this run did that may have
// happened: open groups, and done groups that this run has not seen.
func (a *storedAggregate[Key, T, Acc]) restore(ctx context.Context) error {
	open, done := make(map[Key]span), []doneGroup[Key, Acc]{}
	for e, err := range a.state.store.Scan(ctx, a.state.prefix, a.state.prefix+"\xff") {
		if err != nil {
			return fmt.Errorf("read the stored groups of stage %s: %w", a.c.station.name, err)
		}
		var s stored[Key, Acc]
		rest := strings.TrimPrefix(e.Key, a.state.prefix)
		if rest == doneCount || rest == ownerEntry || strings.HasPrefix(rest, seenIDs) {
			continue
		}
		if err := json.Unmarshal(e.Value, &s); err != nil {
			return permanent(fmt.Errorf("the stored group %s does not fit %T: rename the stage or migrate its state: %w",
				e.Key, s.Group, err))
		}
		switch {
		case !strings.HasPrefix(rest, doneGroups):
			open[s.Key] = s.span()
		case e.Key > a.newest:
			done = append(done, doneGroup[Key, Acc]{name: e.Key, group: s.Group})
		}
	}
	if err := a.owns(ctx, a.state.store); err != nil {
		return err // what was read may have changed since
	}
	a.open = open
	a.collect(done)
	a.wind()
	a.c.lane.rouse()

	return nil
}

// collect notes groups that have become done. Their names grow.
func (a *storedAggregate[Key, T, Acc]) collect(done []doneGroup[Key, Acc]) {
	for _, d := range done {
		a.done = append(a.done, d)
		a.newest = max(a.newest, d.name)
	}
}

// reread finds out whether a commit has happened that the store does not vouch for:
// groups that it opened or completed would wait for the next run.
func (a *storedAggregate[Key, T, Acc]) reread(ctx context.Context) {
	err := a.run.settling.Do(ctx, func(ctx context.Context) error {
		return guard(func() error { return a.restore(ctx) })
	})
	if err != nil && !a.run.stopped(err) {
		a.run.fail(fmt.Errorf("flow %s: stage %s: a commit may have completed groups, which the next run would emit: %w",
			a.run.pipeline.name, a.c.station.name, err))
	}
}

func (a *storedAggregate[Key, T, Acc]) push(ctx context.Context, it *item, value *T) error {
	a.c.begin()
	a.waiting = append(a.waiting, entry[T]{it, *value})
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
	case errors.Is(err, connector.ErrFenced):
		a.fenced(err)
		completeAll(a.c, waiting, asStopped(err))
	case len(waiting) > 1 && connector.ClassOf(err) == connector.ClassPermanent:
		for i := range waiting {
			a.commit(ctx, waiting[i:i+1])
		}
	default:
		if class := connector.ClassOf(err); class == connector.ClassAmbiguous || class == connector.ClassUnknown {
			a.reread(ctx)
		}
		completeAll(a.c, waiting, err)
	}
}

// emit lets done groups go on. Each is a message of its own, owned by its record.
func (a *storedAggregate[Key, T, Acc]) emit(ctx context.Context) {
	done := a.done
	a.done = nil
	for i := range done {
		d := &done[i]
		a.run.pipeline.derived.enter(1)
		a.c.station.effect(completedBy[d.group.Reason])
		meta := connector.MakeMeta(connector.Fields{ID: d.name})
		owner := &doneRecord{run: a.run, store: a.state.store, name: d.name, station: a.c.station}
		launch(ctx, a.c.lane, a.next, &item{meta: &meta, owner: owner}, &d.group)
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

// wake makes sure that the alarm rings before a group that has just got a message ends by
// itself. The alarm may ring too soon, but is not computed anew for each message.
func (a *storedAggregate[Key, T, Acc]) wake(s span) {
	due, reason := a.when.due(s.first, s.last)
	if reason != StillOpen && (a.alarm.at.IsZero() || due.Before(a.alarm.at)) {
		a.alarm.at = due
	}
}

// wind sets the alarm to when the next group ends by itself.
func (a *storedAggregate[Key, T, Acc]) wind() {
	a.alarm.at = time.Time{}
	for _, s := range a.open {
		a.wake(s)
	}
}

func (a *storedAggregate[Key, T, Acc]) ring(ctx context.Context) {
	a.complete(ctx, func(s span) Reason {
		due, reason := a.when.due(s.first, s.last)
		if due.After(time.Now()) {
			return StillOpen
		}

		return reason
	})
	a.emit(ctx)
}

func (a *storedAggregate[Key, T, Acc]) forceOne(ctx context.Context, key Key) {
	a.pass(ctx) // what came before the request belongs to the group
	if a.open[key].open() {
		a.end(ctx, []ending[Key]{{key, Forced}})
	}
	a.emit(ctx)
}

func (a *storedAggregate[Key, T, Acc]) forceAll(ctx context.Context) {
	a.pass(ctx)
	a.complete(ctx, func(span) Reason { return Forced })
	a.emit(ctx)
}

// complete ends the groups for which there is a reason, the one that got its last message
// first being the first.
func (a *storedAggregate[Key, T, Acc]) complete(ctx context.Context, why func(span) Reason) {
	var endings []ending[Key]
	for k, s := range a.open {
		if reason := why(s); reason != StillOpen {
			endings = append(endings, ending[Key]{k, reason})
		}
	}
	slices.SortFunc(endings, func(x, y ending[Key]) int {
		return cmp.Or(a.open[x.key].last.Compare(a.open[y.key].last), cmp.Compare(fmt.Sprint(x.key), fmt.Sprint(y.key)))
	})
	a.end(ctx, endings)
}

// end completes groups that no message completes.
func (a *storedAggregate[Key, T, Acc]) end(ctx context.Context, endings []ending[Key]) {
	if len(endings) == 0 {
		a.wind()

		return
	}
	t := a.begin()
	err := t.update(ctx, func(tx connector.KV) error {
		for _, e := range endings {
			if err := t.close(ctx, tx, e.key, e.reason); err != nil {
				return err
			}
		}

		return nil
	})
	if err != nil {
		a.run.fail(fmt.Errorf("flow %s: stage %s: complete %d group(s): %w",
			a.run.pipeline.name, a.c.station.name, len(endings), err))

		return
	}
	t.apply()
	a.wind()
}

// finish ends every open group with the input; when the pipeline stops they stay stored.
func (a *storedAggregate[Key, T, Acc]) finish(ctx context.Context) {
	a.unforce()
	if a.run.stopping() {
		return
	}
	a.complete(ctx, func(span) Reason { return InputEnded })
	a.emit(ctx)
}
