package main

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// dice decides by seed which effects fail, and counts the faults by name. It is safe for
// concurrent use.
type dice struct {
	mu     sync.Mutex
	random *rand.Rand
	counts map[string]int
	// passed counts what sinks and queues have accepted.
	passed atomic.Int64
}

func newDice(seed uint64) *dice {
	return &dice{random: rand.New(rand.NewPCG(seed, 0)), counts: make(map[string]int)}
}

// fault reports whether this effect, one in so many, has the fault.
func (d *dice) fault(name string, oneIn int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.random.IntN(oneIn) != 0 {
		return false
	}
	d.counts[name]++

	return true
}

// between returns a duration from least up to most.
func (d *dice) between(least, most time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()

	return least + time.Duration(d.random.Int64N(int64(most-least)))
}

// note counts what was done to the flows besides the faults.
func (d *dice) note(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts[name]++
}

// noted returns a copy of the counts.
func (d *dice) noted() map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()

	return maps.Clone(d.counts)
}

// errFault is the cause of every failure that the soak makes.
var errFault = errors.New("a fault of the soak")

func transient() error { return connector.Transient(errFault) }

// longest is how long a fault lasts where nobody ends it.
const longest = time.Second

// hang waits until ctx ends, as a peer does that answers no more.
func hang(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	<-ctx.Done()

	return ctx.Err()
}
