package flow

import "time"

// Completion says when a group of an Aggregate is complete. At least one field must be
// set, unless a predicate or ForcedBy can complete a group; the first that applies counts.
// All open groups end with the input.
type Completion struct {
	// Count completes a group that has so many messages.
	Count int
	// Idle completes a group to which nothing has come for so long.
	Idle time.Duration
	// Interval completes a group so long after its first message, whatever comes.
	Interval time.Duration
	// NewKey completes a group when a message of another key comes: for inputs in which
	// the messages of a key stand together.
	NewKey bool
}

// define puts the settings on the node of an Aggregate, and notes those that are wrong or
// could never apply. others says that a predicate or a Force can complete a group too.
func (when Completion) define(n *node, predicates int, forced bool) {
	others := predicates > 0 || forced
	n.require(when.Count > 0 || when.timed() || when.NewKey || others,
		"the Completion is empty: set Count, Idle, Interval or NewKey, or pass a predicate")
	n.require(when.Count >= 0, "Completion.Count is negative")
	n.require(when.Idle >= 0, "Completion.Idle is negative")
	n.require(when.Interval >= 0, "Completion.Interval is negative")
	n.require(when.Count != 1 || !when.timed() && !when.NewKey && !others,
		"Completion.Count of 1 completes a group with its first message, so nothing else has an effect: raise it, or remove the others")
	n.require(when.Interval <= 0 || when.Idle < when.Interval,
		"Completion.Idle of %v has no effect, because Interval completes every group after %v: shorten Idle, or remove it",
		when.Idle, when.Interval)
	if when.Count > 0 {
		n.effect("count", when.Count)
	}
	if when.Idle > 0 {
		n.effect("idle", when.Idle)
	}
	if when.Interval > 0 {
		n.effect("interval", when.Interval)
	}
	if when.NewKey {
		n.effect("new key", true)
	}
	if predicates > 0 {
		n.effect("predicates", predicates)
	}
	if forced {
		n.effect("forced", true)
	}
}

// completedBy names the option that completes a group for each reason.
var completedBy = [...]string{
	CountReached: "count", IdleTimeout: "idle", IntervalPassed: "interval", KeyChanged: "new key",
	PredicateHeld: "predicates", Forced: "forced",
}

// timed reports whether groups end by themselves.
func (when Completion) timed() bool { return when.Idle > 0 || when.Interval > 0 }

// due tells when a group of these times ends by itself, and why; the zero time means never.
func (when Completion) due(first, last time.Time) (time.Time, Reason) {
	var due time.Time
	reason := StillOpen
	if when.Idle > 0 {
		due, reason = last.Add(when.Idle), IdleTimeout
	}
	if end := first.Add(when.Interval); when.Interval > 0 && (reason == StillOpen || end.Before(due)) {
		due, reason = end, IntervalPassed
	}

	return due, reason
}

// anyHolds reports whether one of the predicates holds.
func anyHolds[Acc any](predicates []func(Acc) bool, value Acc) bool {
	for _, holds := range predicates {
		if holds(value) {
			return true
		}
	}

	return false
}
