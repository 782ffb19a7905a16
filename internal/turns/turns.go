// Package turns lets a simulation decide which of several goroutines goes on.
//
// Whoever has waited for another goroutine, or for the time, says so here before it goes
// on. Outside of a simulation that costs a comparison with nil. Inside, one goroutine
// runs at a time and the order is that of a seed, so a run can be repeated exactly.
package turns

import (
	"context"
	"sync"
)

// Keeper gives out turns.
type Keeper interface {
	// Ticket numbers those who are about to wait. Only whoever has the turn calls it.
	Ticket() uint64
	// Take returns when it is the turn of the caller, which has waited. The place is the
	// same in every run; tickets tell those who waited at one place apart.
	Take(place string, ticket uint64)
}

type key struct{}

// With returns a context whose runs are simulated.
func With(ctx context.Context, k Keeper) context.Context { return context.WithValue(ctx, key{}, k) }

// Of returns the keeper of a simulated run, else nil.
func Of(ctx context.Context) Keeper {
	k, _ := ctx.Value(key{}).(Keeper)

	return k
}

// Wait calls wait, which waits for something, and goes on in turn. k may be nil.
func Wait(k Keeper, place string, wait func()) {
	if k == nil {
		wait()

		return
	}
	ticket := k.Ticket()
	wait()
	k.Take(place, ticket)
}

// Cond is c.Wait, but goes on in turn. k may be nil. As after any Wait, the condition
// must be looked at again.
func Cond(k Keeper, place string, c *sync.Cond) {
	if k == nil {
		c.Wait()

		return
	}
	ticket := k.Ticket()
	c.Wait()
	c.L.Unlock()
	k.Take(place, ticket)
	c.L.Lock()
}

// Lock is a mutex under which a simulated effect may wait: waiting for it is durably
// blocking in a testing/synctest bubble. The zero Lock is open.
type Lock struct {
	mu    sync.Mutex
	freed sync.Cond
	taken bool
}

// Lock waits until it has the lock. k may be nil.
func (l *Lock) Lock(k Keeper, place string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.freed.L == nil {
		l.freed.L = &l.mu
	}
	for l.taken {
		Cond(k, place, &l.freed)
	}
	l.taken = true
}

// Unlock gives the lock to one of those who wait.
func (l *Lock) Unlock() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken = false
	l.freed.Broadcast()
}
