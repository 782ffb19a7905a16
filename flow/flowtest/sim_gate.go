package flowtest

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"testing/synctest"
	"time"
)

// gate lets one effect happen at a time. Whoever wants an effect waits here; when
// everybody waits, the scheduler chooses one.
type gate struct {
	mu      sync.Mutex
	tickets uint64
	// fresh came since the scheduler last looked; parked are in the order of arrival.
	fresh, parked []*effect
	arrived       chan struct{}
}

// effect is one call of a connector that waits for its turn, or a goroutine of the
// pipeline that goes on.
type effect struct {
	life *life
	// name is that of the connector and the method: "invoices.Write".
	name string
	// ticket orders those of one name that arrive at once.
	ticket uint64
	// inner is a goroutine of the pipeline that goes on: nothing can fail.
	inner bool
	// nth counts the effects of a name in a life, from 1.
	nth int
	// allow are the faults that make sense here.
	allow faultSet
	what  func() string
	ctx   context.Context
	// ready, where set, tells whether there is anything to do; due when there will be.
	ready func() bool
	due   func() time.Time
	// notBefore is when a late effect happens, or when one that hangs fails.
	notBefore time.Time
	decided   bool
	fate      fate
	release   chan struct{}
}

func newGate() *gate { return &gate{arrived: make(chan struct{}, 1)} }

// enter waits until the scheduler has decided the fate of the effect.
func (g *gate) enter(e *effect) fate {
	e.release = make(chan struct{})
	g.mu.Lock()
	switch {
	case e.life.unwinding:
		g.mu.Unlock()

		return refused
	case e.life.dead:
		e.life.ghosts = append(e.life.ghosts, e)
		g.mu.Unlock()
	default:
		g.fresh = append(g.fresh, e)
		g.mu.Unlock()
		g.signal()
	}
	<-e.release

	return e.fate
}

// haunt keeps the goroutine of an effect whose process has crashed, until the end of the
// schedule.
func (g *gate) haunt(e *effect) {
	e.release = make(chan struct{})
	g.mu.Lock()
	e.life.ghosts = append(e.life.ghosts, e)
	g.mu.Unlock()
	g.signal()
	<-e.release
}

func (g *gate) signal() {
	select {
	case g.arrived <- struct{}{}:
	default:
	}
}

// settle waits until nothing moves and takes over who has arrived, in an order that is
// the same in every run.
func (g *gate) settle(l *life) {
	synctest.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	slices.SortStableFunc(g.fresh, func(a, b *effect) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.ticket, b.ticket), a.compareText(b))
	})
	for _, e := range g.fresh {
		l.seen[e.name]++
		e.nth = l.seen[e.name]
	}
	g.parked = append(g.parked, g.fresh...)
	g.fresh = g.fresh[:0]
}

// compareText tells apart effects of one name that arrived at once, which only goroutines
// of the user's own functions can do.
func (e *effect) compareText(other *effect) int {
	if e.inner || e.what == nil || other.what == nil {
		return 0
	}

	return cmp.Compare(e.what(), other.what())
}

// open reports whether the effect can happen now.
func (e *effect) open(now time.Time) bool {
	switch {
	case e.inner, e.ctx.Err() != nil:
		return true
	case !e.notBefore.IsZero():
		return !now.Before(e.notBefore)
	default:
		return e.ready == nil || e.ready()
	}
}

// next is when the effect can happen, if only the time stands against it.
func (e *effect) next() time.Time {
	switch {
	case !e.notBefore.IsZero():
		return e.notBefore
	case e.due != nil:
		return e.due()
	default:
		return time.Time{}
	}
}

// let releases an effect with its fate.
func (g *gate) let(e *effect, f fate) {
	g.mu.Lock()
	if at := slices.Index(g.parked, e); at >= 0 {
		g.parked = slices.Delete(g.parked, at, at+1)
	}
	g.mu.Unlock()
	e.fate = f
	close(e.release)
}

// await waits until somebody arrives, a context ends, or the time has come.
func (g *gate) await(until time.Time) {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	for _, e := range g.parked {
		if e.ctx != nil && e.ctx.Done() != nil {
			stop := context.AfterFunc(e.ctx, g.signal)
			defer stop()
		}
	}
	select {
	case <-g.arrived:
	case <-timer.C:
	}
}

// bury takes everyone of a life that has crashed out of the gate.
func (g *gate) bury(l *life) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l.dead = true
	l.ghosts = append(l.ghosts, g.parked...)
	l.ghosts = append(l.ghosts, g.fresh...)
	g.parked, g.fresh = nil, nil
}

// exorcise lets the goroutines of a crashed life end: each effect that it still wants is
// refused.
func (g *gate) exorcise(l *life) {
	g.mu.Lock()
	l.unwinding = true
	ghosts := l.ghosts
	l.ghosts = nil
	g.mu.Unlock()
	for _, e := range ghosts {
		e.fate = refused
		close(e.release)
	}
}

// Ticket and Take make a life the keeper of the turns of its pipeline.

// Ticket implements turns.Keeper.
func (l *life) Ticket() uint64 {
	l.sim.gate.mu.Lock()
	defer l.sim.gate.mu.Unlock()
	l.sim.gate.tickets++

	return l.sim.gate.tickets
}

// Take implements turns.Keeper.
func (l *life) Take(place string, ticket uint64) {
	l.sim.gate.enter(&effect{life: l, name: place, ticket: ticket, inner: true})
}

// key names the effect across schedules that differ in other effects.
func (e *effect) key() string {
	return strconv.Itoa(e.life.number) + " " + e.name + " " + strconv.Itoa(e.nth)
}
