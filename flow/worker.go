package flow

import (
	"context"
	"runtime"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/turns"
)

// worker runs the body on a goroutine of its own.
type worker[In, Out any] struct {
	to   *fork[In, Out]
	lane *lane
	in   push[In]
	jobs chan *job[In, Out]
	outs []entry[Out]
	// doing is the job under way.
	doing *job[In, Out]
}

func (p *fork[In, Out]) addWorker(w *wiring, body, end *node) {
	k := &worker[In, Out]{to: p, lane: newLane(w.run), jobs: p.queues[len(p.workers)%len(p.queues)]}
	p.workers = append(p.workers, k)
	w.on(k.lane, func() {
		c := w.counter(end)
		w.joints[end] = push[Out](func(_ context.Context, it *item, value *Out) error {
			c.begin()
			k.outs = append(k.outs, entry[Out]{it, *value})

			return errHeld
		})
		k.in = body.wire(w, body).(push[In])
	})
	loop := func() { k.loop(w.run.ctx) }
	w.run.starts = append(w.run.starts, func() { w.run.spawn(&w.run.working, loop, loop) })
}

func (k *worker[In, Out]) loop(ctx context.Context) {
	k.lane.exiting = false
	timer := newIdleTimer()
	defer timer.Stop()
	if j := k.doing; j != nil {
		// The goroutine before this one ended in the middle of its job.
		k.doing = nil
		k.post(j)
	}
	for k.serve(ctx, timer) {
	}
	k.lane.finish(ctx)
	k.to.results.put(nil, &job[In, Out]{outs: k.outs, loose: true, exited: true})
}

// serve does one job, rings one alarm, or takes in what came of stages inside the body; it
// reports false when no job will come.
func (k *worker[In, Out]) serve(ctx context.Context, timer *time.Timer) bool {
	if k.lane.poll(ctx) {
		k.lane.run.pressure.moved()
		k.tidy(ctx)

		return true
	}
	if k.lane.pressed.Swap(false) {
		k.lane.release(ctx)
		k.tidy(ctx)

		return true
	}
	due := k.lane.due()
	if due != nil && !due.at.After(time.Now()) {
		k.ring(ctx, due)

		return true
	}
	j, ok, came := k.await(due, timer)
	switch {
	case came && ok:
		k.do(ctx, j)
	case came:
		return false
	case due != nil && !due.at.After(time.Now()):
		k.ring(ctx, due)
	}

	return true
}

// await waits for a job, the alarm, or something in a mailbox; it reports whether a job, or
// the end of them, came.
func (k *worker[In, Out]) await(due *alarm, timer *time.Timer) (j *job[In, Out], ok, came bool) {
	var ring <-chan time.Time
	if due != nil {
		timer.Reset(time.Until(due.at))
		defer timer.Stop()
		ring = timer.C
	}
	turns.Wait(k.lane.run.keeper, "worker", func() {
		select { // what waits already goes first, so that a simulation can be repeated
		case <-k.lane.wake:
			return
		default:
		}
		select {
		case j, ok = <-k.jobs:
			came = true
		case <-k.lane.wake:
		case <-ring:
		}
	})

	return j, ok, came
}

// ring rings an alarm of a stage in the body.
func (k *worker[In, Out]) ring(ctx context.Context, due *alarm) {
	k.lane.run.pressure.work()
	k.lane.ring(ctx, due)
	k.tidy(ctx)
	k.lane.run.pressure.rest()
}

// tidy ends a piece of work that belongs to no job.
func (k *worker[In, Out]) tidy(ctx context.Context) {
	k.lane.pass(ctx)
	if len(k.outs) > 0 {
		k.to.results.put(nil, &job[In, Out]{outs: k.outs, loose: true})
		k.outs = nil
	}
}

func (k *worker[In, Out]) do(ctx context.Context, j *job[In, Out]) {
	start := now()
	k.doing = j
	if len(k.outs) == 0 {
		k.outs = j.outs
	}
	aborted := &k.lane.run.aborted
	for i := range j.entries {
		e := &j.entries[i]
		if aborted.Load() {
			e.it.complete(connector.ErrStopped)

			continue
		}
		launch(ctx, k.lane, k.in, e.it, &e.value)
	}
	k.lane.ringDue(ctx)
	k.lane.pass(ctx)
	k.doing = nil
	k.lane.run.pressure.moved()
	j.took = time.Duration(now() - start)
	k.post(j)
}

// post hands the job back with what came of it.
func (k *worker[In, Out]) post(j *job[In, Out]) {
	j.outs, k.outs = k.outs, nil
	j.size = len(j.entries)
	clear(j.entries)
	k.to.results.put(nil, j)
	k.lane.run.pressure.rest() // the job is done; its result waits in the mailbox
	// The lane has been woken, but both cores may be busy with workers. It must not wait until
	// one of them has nothing left to do.
	runtime.Gosched()
}
