// Package placing lets a queue in memory tell a flow which place each message of a Write
// got, so that the flow knows the message again when the queue hands it out.
//
// Any other queue carries a number among the headers of the message for that. A queue that
// tells saves the copy of the headers, which costs more than the rest of the way.
package placing

import "context"

// Mark says that a queue tells. A queue embeds it under a name that is not exported, so that it
// does not show, and nothing outside of this module can claim it. The zero Mark says nothing.
type Mark struct{ queue any }

// Of marks the queue. What embeds the queue gets its methods, but is another queue, which
// may change messages on their way, so it is not marked.
func Of(queue any) Mark { return Mark{queue} }

func (m Mark) marks(queue any) bool { return m.queue != nil && m.queue == queue }

// Tells reports whether the queue calls the Note of each Write.
func Tells(queue any) bool {
	m, ok := queue.(interface{ marks(queue any) bool })

	return ok && m.marks(queue)
}

// Note takes the offset of the Position that the message of the index will have when it is
// read. The queue calls it, one call at a time, for each message that it accepts, before
// anybody can read it.
type Note func(index int, offset int64)

type key struct{}

// With returns the context for a Write that is to be noted.
func With(ctx context.Context, n Note) context.Context { return context.WithValue(ctx, key{}, n) }

// NoteOf returns the Note of a Write, or nil.
func NoteOf(ctx context.Context) Note {
	n, _ := ctx.Value(key{}).(Note)

	return n
}
