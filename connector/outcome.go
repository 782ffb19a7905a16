package connector

import "fmt"

// Outcome is how a message ended. The constants are ordered by severity: the outcome of
// a message that was split, batched or broadcast is the largest of its parts'.
type Outcome uint8

// Every message that a source hands out ends in exactly one of these, other than Pending.
const (
	// Pending is no outcome yet.
	Pending Outcome = iota
	// Filtered means that a stage let the message end, as it was told to.
	Filtered
	// Duplicate means that the message repeats one that was processed before.
	Duplicate
	// Delivered means that every sink accepted the message.
	Delivered
	// Dropped means that a named policy gave the message up.
	Dropped
	// DeadLettered means that the message failed and a dead-letter sink accepted it.
	DeadLettered
	// Returned means that the message went back to its source; it is not done.
	Returned
)

// Outcomes lists every outcome a message can end in, mildest first.
var Outcomes = [...]Outcome{Filtered, Duplicate, Delivered, Dropped, DeadLettered, Returned}

var outcomeNames = [...]string{
	"pending", "filtered", "duplicate", "delivered", "dropped", "dead_lettered", "returned",
}

// String returns the name used in metrics, logs and reports.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}

	return fmt.Sprintf("outcome(%d)", uint8(o))
}

// Done reports whether the source may forget the message: every outcome but Pending and
// Returned.
func (o Outcome) Done() bool { return o > Pending && o < Returned }
