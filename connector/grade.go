package connector

import "fmt"

// Grade is what a source and a sink promise together of the effect of each message, over
// errors and over crashes of the process.
type Grade uint8

const (
	// AtMostOnce means that a crash can lose a message: the source does not hand it out
	// again, or the sink forgets it.
	AtMostOnce Grade = iota
	// AtLeastOnce means that no message is lost, and that a crash between the effect and the
	// settlement repeats the effect.
	AtLeastOnce
	// EffectivelyOnce means that a message may be written again, and that this changes
	// nothing, because the sink knows it by its key.
	EffectivelyOnce
	// ExactlyOnce means that the effect and the note of the message's Position are one
	// transaction, so that a message which comes again is recognised whatever its value.
	ExactlyOnce
)

var gradeNames = [...]string{"at most once", "at least once", "effectively once", "exactly once"}

// String returns the grade in words.
func (g Grade) String() string {
	if int(g) < len(gradeNames) {
		return gradeNames[g]
	}

	return fmt.Sprintf("grade(%d)", uint8(g))
}

// GradeOf returns the grade of a flow from a source to a sink, for a flow that hands each
// message on as it is and settles it by its outcome. It is what the two ends can do:
//
//   - Without Durable at the sink, or with neither Durable nor Answers at the source,
//     a message is lost with the process: at most once.
//   - A sink that is Transactional recognises the Position of a message that comes again. A
//     source that is Durable gives it the same one: exactly once.
//   - A sink that is Idempotent takes it again without a change: effectively once.
//   - What is left repeats the message: at least once. A sender that sends again what got
//     no answer is no better, because its message gets another Position.
func GradeOf(source, sink Capabilities) Grade {
	switch {
	case !sink.Durable || !source.Durable && !source.Answers:
		return AtMostOnce
	case sink.Transactional && source.Durable:
		return ExactlyOnce
	case sink.Idempotent:
		return EffectivelyOnce
	default:
		return AtLeastOnce
	}
}
