package flow

import (
	"context"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace-go/millrace/internal/turns"
)

// lane is one goroutine that runs stages, their timers and their end. Everything between
// a source and the next stage that runs things elsewhere shares a lane, so these stages
// need no lock.
type lane struct {
	run      *run
	counters []*counter
	// at is the index, in counters, of the stage that was entered last.
	at int32
	// wake says that a mailbox has something for the lane.
	wake chan struct{}
	// polls take what waits in the mailboxes; each reports whether it did anything.
	polls []func(ctx context.Context) bool
	// passes run after each piece of work: they commit what was collected, hand over
	// what was gathered, and report whether they did anything.
	passes []func(ctx context.Context) bool
	// finals end the stages when no more input comes. They are registered from the
	// bottom of the chain upwards and run from the top down.
	finals []func(ctx context.Context)
	alarms []*alarm
	// presses let go of what stages have collected, because the source may hand out no
	// more before something ends.
	presses []func(ctx context.Context) (released bool)
	pressed atomic.Bool
	// backlog counts mailboxes that are not empty, and stages whose messages go on at a time.
	// They count as work, unless the lane is parked and so will not look into them.
	mu      sync.Mutex
	backlog int
	parked  bool
	// exiting is set while a user function ends the goroutine.
	exiting bool
	// feeders is how many mailboxes still have a writer; done when zero.
	feeders int
}

// alarm is the one timer of a stage.
type alarm struct {
	at   time.Time
	ring func(ctx context.Context)
}

func newLane(r *run) *lane {
	l := &lane{run: r, wake: make(chan struct{}, 1)}
	r.pressure.lanes = append(r.pressure.lanes, l)

	return l
}

func (l *lane) alarm(ring func(ctx context.Context)) *alarm {
	a := &alarm{ring: ring}
	l.alarms = append(l.alarms, a)

	return a
}

// press tells the lane that a source is full and nothing moves. It may be called from
// any goroutine.
func (l *lane) press() {
	if len(l.presses) > 0 {
		l.pressed.Store(true)
		l.rouse()
	}
}

// load adds to the backlog.
func (l *lane) load(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.backlog += n
	switch {
	case l.parked:
	case n > 0:
		l.run.pressure.work()
	default:
		l.run.pressure.rest()
	}
}

// park says that the lane waits for room elsewhere, until unpark. It may be called from
// any goroutine. A nil lane is none.
func (l *lane) park() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.parked = true
	l.run.pressure.busy.Add(-int64(l.backlog))
	l.run.pressure.rest()
}

func (l *lane) unpark() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.parked = false
	l.run.pressure.busy.Add(1 + int64(l.backlog))
}

// rouse makes the lane look into its mailboxes. It may be called from any goroutine.
func (l *lane) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// start launches the lane.
func (l *lane) start() {
	l.run.pressure.work()
	loop := func() {
		l.loop(l.run.ctx)
		l.run.pressure.rest()
	}
	l.run.spawn(&l.run.working, loop, loop)
}

// loop serves mailboxes and timers until every feeder has left, and ends the stages.
func (l *lane) loop(ctx context.Context) {
	l.exiting = false
	l.serve(ctx, func() bool { return l.feeders > 0 })
	l.finish(ctx)
}

// serve serves mailboxes and timers while there is more to come.
func (l *lane) serve(ctx context.Context, more func() bool) {
	timer := newIdleTimer()
	defer timer.Stop()
	for more() {
		if l.poll(ctx) {
			l.pressed.Store(false) // something moved after all
			l.run.pressure.moved()
			l.pass(ctx)

			continue
		}
		if !more() {
			break
		}
		l.wait(ctx, timer)
		l.pass(ctx)
	}
}

func (l *lane) wait(ctx context.Context, timer *time.Timer) {
	if l.pressed.Swap(false) {
		l.release(ctx)

		return
	}
	due := l.due()
	if due == nil {
		l.run.pressure.rest()
		turns.Wait(l.run.keeper, "lane", func() { <-l.wake })
		l.run.pressure.work()

		return
	}
	if wait := time.Until(due.at); wait > 0 {
		timer.Reset(wait)
		if !l.sleep(timer) {
			return
		}
	}
	l.ring(ctx, due)
}

// sleep waits for the timer; it reports false when something else woke the lane.
func (l *lane) sleep(timer *time.Timer) bool {
	l.run.pressure.rest()
	defer l.run.pressure.work()
	rang := false
	turns.Wait(l.run.keeper, "lane", func() {
		select {
		case <-l.wake:
			timer.Stop()
		case <-timer.C:
			rang = true
		}
	})

	return rang
}

// release makes the stages let go of what they have collected.
func (l *lane) release(ctx context.Context) {
	for i := len(l.presses) - 1; i >= 0; i-- {
		if l.presses[i](ctx) {
			l.run.pressure.moved()
		}
	}
}

// poll empties the mailboxes once, and rings what is due, and reports whether there was
// anything.
func (l *lane) poll(ctx context.Context) bool {
	busy := false
	for _, poll := range l.polls {
		busy = poll(ctx) || busy
	}
	if busy {
		l.ringDue(ctx)
	}

	return busy
}

// ringDue rings every alarm whose time has come, so that a busy lane keeps its timers.
func (l *lane) ringDue(ctx context.Context) {
	if len(l.alarms) == 0 {
		return
	}
	for now := time.Now(); ; {
		due := l.due()
		if due == nil || due.at.After(now) {
			return
		}
		l.ring(ctx, due)
	}
}

func (l *lane) ring(ctx context.Context, a *alarm) {
	a.at = time.Time{}
	a.ring(ctx)
	l.run.pressure.moved()
}

// due returns the alarm that rings first, or nil.
func (l *lane) due() *alarm {
	var first *alarm
	for _, a := range l.alarms {
		if !a.at.IsZero() && (first == nil || a.at.Before(first.at)) {
			first = a
		}
	}

	return first
}

// pass ends a piece of work.
func (l *lane) pass(ctx context.Context) {
	for busy := true; busy; {
		busy = false
		for i := len(l.passes) - 1; i >= 0; i-- {
			busy = l.passes[i](ctx) || busy
		}
	}
	for _, c := range l.counters {
		c.flush()
	}
}

// finish ends the stages from the top of the chain down. A final that a user function
// broke off by ending the goroutine is run again on the next one, and goes on.
func (l *lane) finish(ctx context.Context) {
	for last := len(l.finals) - 1; last >= 0; last-- {
		l.pass(ctx)
		l.finals[last](ctx)
		l.finals = l.finals[:last]
	}
	l.pass(ctx)
}

// panicked makes an error of what a user function panicked with.
func (l *lane) panicked(it *item, value any) error {
	err := &PanicError{Value: value, Stack: debug.Stack()}

	return l.counters[l.at].fail(it, permanent(err))
}

// exits notes that a user function ends the goroutine, and reports whether the push that is
// being left is the innermost. The others must let their messages be: a stage may have kept
// them before it let go of what the function was called with.
func (l *lane) exits() bool {
	innermost := !l.exiting
	l.exiting = true

	return innermost
}

// newIdleTimer returns a timer that is not running.
func newIdleTimer() *time.Timer {
	timer := time.NewTimer(time.Hour)
	timer.Stop()

	return timer
}
