package flow

import (
	"fmt"
	"math"
	"time"
)

// Sequence says which numbers a Resequence expects, and what it does when one is missing.
type Sequence struct {
	// First is the first number of every key.
	First int64
	// Wait is how long a key waits for a number that is missing while later ones are
	// there. Then the number is skipped. Zero means that no number is ever skipped.
	Wait time.Duration
	// Held is how many messages may be held, over all keys; zero means
	// Config.MaxInFlight. One more than that skips the gap that has lasted longest, where
	// Wait allows skipping; else it fails with a *[GapError].
	Held int
}

// Resequence lets the messages of each key go on in the order of their numbers, which
// count up from Sequence.First by one: the resequencer of Hohpe and Woolf's Enterprise
// Integration Patterns. A message whose turn has not come is held, and in flight.
//
// A number stands for one message of its key: a message whose number has ended below is a
// duplicate; one whose number is in flight waits for that outcome, and shares it when it
// is a failure. A message that comes after its number was skipped fails with a
// *[LateError]. One that failed and went back to its source keeps its number: if nothing of
// its key has gone on since, the key waits for it.
//
// When the input ends with messages still held, numbers are skipped if Wait allows it; if
// not, the messages fail with a *[GapError]. The same happens, after five seconds, to the one
// held longest when the pipeline is full and nothing moves. When the pipeline stops, what is
// held goes back to the source. The numbers that were reached are forgotten at the end of a
// run, so the next run waits for First again; StoredIn has no effect here and is refused.
func (k Keyed[Key, T]) Resequence(number func(T) int64, s Sequence) Flow[T] {
	return resequence(k, number, s)
}

func resequence[Key comparable, T any](k Keyed[Key, T], number func(T) int64, s Sequence) Flow[T] {
	n := passNode("resequence", k.flow.n)
	k.place(n)
	k.unforced(n)
	n.traits |= holds | alone
	n.bound = s.Held
	n.require(k.key != nil, "KeyBy was given a nil function")
	n.require(number != nil, "the function for the number is nil")
	n.require(!k.durable, "StoredIn has no effect on Resequence: remove it")
	n.require(s.First > math.MinInt64 && s.First < math.MaxInt64, "Sequence.First is %d: numbers need one before and one after them", s.First)
	n.require(s.Wait >= 0, "Sequence.Wait is negative")
	n.require(s.Held >= 0, "Sequence.Held is negative")
	n.options = append(n.options, option("first", s.First))
	if s.Wait > 0 {
		n.effect("wait", s.Wait)
	}
	if s.Held > 0 {
		n.options = append(n.options, option("held", s.Held))
	}
	n.wire = func(w *wiring, n *node) any {
		next, c := w.feed(n).(push[T]), w.counter(n)
		r := &resequencer[Key, T]{
			c: c, key: k.key, number: number, spec: s, next: next, keys: make(map[Key]*sequence[T]),
		}
		if s.Held == 0 {
			r.spec.Held = w.run.config.MaxInFlight
		}
		r.alarm = w.lane.alarm(r.ring)
		w.lane.finals = append(w.lane.finals, r.finish)
		w.lane.presses = append(w.lane.presses, r.press)

		return push[T](r.push)
	}

	return Flow[T]{n: n}
}

// LateError is why a message failed whose number a Resequence had skipped, or that is less
// than the first.
type LateError struct {
	// Key and Number are the message's; Next is the number that the key has come to.
	Key          string
	Number, Next int64
}

// Error says what to do.
func (e *LateError) Error() string {
	return fmt.Sprintf("number %d of key %s comes too late: numbers below %d were skipped; "+
		"raise Sequence.Wait or Sequence.Held, or catch it with a DeadLetter", e.Number, e.Key, e.Next)
}

// GapError is why a message failed that a Resequence held, or could not hold: a number
// before it did not come.
type GapError struct {
	// Key and Number are the message's; Missing is the number that the key waits for.
	Key             string
	Number, Missing int64
}

// Error says what to do.
func (e *GapError) Error() string {
	return fmt.Sprintf("number %d of key %s cannot go on before number %d, which did not come: "+
		"set Sequence.Wait to skip what is missing, or raise Sequence.Held", e.Number, e.Key, e.Missing)
}
