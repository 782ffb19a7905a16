package flow

import (
	"encoding/json/v2"
	"fmt"
	"hash/maphash"
	"reflect"

	"github.com/millrace-go/millrace/connector"
)

// Keyed is a flow whose messages belong to keys. Within a key the order is kept.
type Keyed[Key comparable, T any] struct {
	flow  Flow[T]
	at    *place
	key   func(T) Key
	store connector.Store
	force *Force[Key]
	// durable is set by StoredIn, forced by ForcedBy, whether or not what they got is nil.
	durable, forced bool
}

// KeyBy gives each message a key.
func (f Flow[T]) KeyBy[Key comparable](key func(T) Key) Keyed[Key, T] {
	return Keyed[Key, T]{flow: f, at: caller(), key: key}
}

// StoredIn keeps the state of Fold and Aggregate in a store, so that it survives a crash
// and a message that comes again is not counted again. Keys and state are stored as JSON,
// under the names of the pipeline and the stage: give the stage a name of its own with As
// before its state must be kept, and keep it.
func (k Keyed[Key, T]) StoredIn(store connector.Store) Keyed[Key, T] {
	k.store, k.durable = store, true

	return k
}

// ForcedBy lets the Force complete groups of the Aggregate, besides what its Completion
// says. One Force may serve several flows.
func (k Keyed[Key, T]) ForcedBy(force *Force[Key]) Keyed[Key, T] {
	k.force, k.forced = force, true

	return k
}

// Parallel runs body on n goroutines. All messages of a key go to the same goroutine, in
// order; results of different keys may overtake each other.
func (k Keyed[Key, T]) Parallel[Out any](n int, body func(Flow[T]) Flow[Out]) Flow[Out] {
	out := parallel(k.flow, n, 0, body, k.byKey)
	k.place(out.n)
	out.n.require(k.key != nil, "KeyBy was given a nil function")
	out.n.require(!k.durable, "StoredIn has no effect on Parallel: use KeyBy and StoredIn inside its body")
	k.unforced(out.n)

	return out
}

// byKey gives each worker a queue of its own.
func (k Keyed[Key, T]) byKey(workers int, steady bool) assignment[T] {
	if steady {
		return k.byAppearance(workers)
	}
	seed := maphash.MakeSeed()

	return assignment[T]{queues: workers, of: func(value T) int {
		return int(maphash.Comparable(seed, k.key(value)) % uint64(workers))
	}}
}

// byAppearance deals the keys out in the order in which they come: in a simulation the
// same run must give a key to the same worker.
func (k Keyed[Key, T]) byAppearance(workers int) assignment[T] {
	queues := make(map[Key]int)

	return assignment[T]{queues: workers, of: func(value T) int {
		key := k.key(value)
		queue, known := queues[key]
		if !known {
			queue = len(queues) % workers
			queues[key] = queue
		}

		return queue
	}}
}

// place puts the place of KeyBy on the node, unless this is a zero Keyed.
func (k Keyed[Key, T]) place(n *node) {
	if k.at != nil {
		n.at = k.at
	}
}

// unforced is for the stages that have no groups to complete.
func (k Keyed[Key, T]) unforced(n *node) {
	n.require(!k.forced, "ForcedBy has an effect on Aggregate only: remove it")
}

// define puts what all keyed stages share on the node.
func (k Keyed[Key, T]) define(n *node) {
	k.place(n)
	n.require(k.key != nil, "KeyBy was given a nil function")
	n.require(!k.durable || k.store != nil, "StoredIn was given a nil store")
	if !k.durable {
		return
	}
	n.options = append(n.options, option("stored", true))
	n.traits |= holds | fails
	t := reflect.TypeFor[Key]()
	_, err := json.Marshal(reflect.Zero(t).Interface())
	n.require(err == nil, "keys of type %v cannot be stored as JSON: %v", t, err)
}

// Group is the state of one key after a message, or a completed group of messages.
type Group[Key comparable, Acc any] struct {
	Key   Key `json:"key"`
	Value Acc `json:"value"`
	// Count is how many messages the value is made of.
	Count int `json:"count"`
	// Reason is why the group is complete; StillOpen for the results of Fold.
	Reason Reason `json:"reason"`
}

// Reason is why a group of an Aggregate is complete.
type Reason uint8

const (
	// StillOpen is a group that goes on: a result of Fold.
	StillOpen Reason = iota
	// CountReached is a group that has as many messages as it may.
	CountReached
	// IdleTimeout is a group to which nothing came for the time.
	IdleTimeout
	// KeyChanged is a group that ended because a message of another key came.
	KeyChanged
	// InputEnded is a group that ended with the input.
	InputEnded
	// IntervalPassed is a group whose time since its first message has passed.
	IntervalPassed
	// PredicateHeld is a group for whose value a predicate holds.
	PredicateHeld
	// Forced is a group that a [Force] completed.
	Forced
)

var reasonNames = [...]string{
	"still open", "count reached", "idle timeout", "key changed", "input ended", "interval passed", "predicate held", "forced",
}

// String returns the reason in words.
func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}

	return fmt.Sprintf("reason(%d)", uint8(r))
}
