package queueconn

import (
	"context"
	"iter"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// storage keeps the messages; schedule decides about them. load, note and rewrite are
// called by one caller at a time, the others concurrently with everything.
type storage[T any] interface {
	// prepare checks the message and makes it ready to be stored.
	prepare(m connector.Message[T]) (*parcel[T], error)
	// add stores the parcels in order. It publishes the new tail before it returns nil.
	add(ctx context.Context, parcels []*parcel[T]) error
	// load returns the messages of a pick in order. It may stop early at a bound on bytes.
	load(p pick) ([]loaded[T], error)
	// note remembers the attempts of the entries beyond the death of the process. It
	// reports whether it is time for rewrite.
	note(entries []*entry) (full bool, err error)
	// rewrite replaces everything noted.
	rewrite(entries []*entry) error
	// settle makes the changes in one transaction.
	settle(ctx context.Context, c changes) error
	// buried yields the dead letters in the order in which they were accepted.
	buried(ctx context.Context) iter.Seq2[connector.DeadLetter[T], error]
	// unbury takes dead letters out, from a sequence number on, a bounded number in one
	// transaction: back to the end of the queue, or away. next is negative at the end.
	unbury(ctx context.Context, from int64, wanted wanted, discard bool) (n int, next int64, err error)
	// health returns why the storage cannot be used, or nil.
	health() error
	close() error
}

// publish tells the queue, in order of commits, that n messages were added, and where the
// tail is now. later has an entry for each of them that is due later; they ascend.
type publish func(tail int64, n int, later []*entry)

// parcel is a message that is to be stored, or was loaded. It has memory of its own, so that
// none that stays keeps others from being freed.
type parcel[T any] struct {
	// entry is what the schedule knows, where that is the parcel itself. Of one that is being
	// written it has nothing but when it is due.
	entry   entry
	fields  connector.Fields
	value   T
	encoded []byte
	// index is the place in the Write under way.
	index int
}

// loaded is a message that was read back. Err says why it is not readable.
type loaded[T any] struct {
	entry  *entry
	parcel *parcel[T]
	err    error
}

// changes are the settlements of one call, by what they mean to the storage.
type changes struct {
	done []*entry
	back []comeback
	dead []burial
}

type comeback struct {
	entry  *entry
	due    time.Time
	spared int // what its spared becomes
}

type burial struct {
	entry *entry
	cause error
}

func (c changes) empty() bool { return len(c.done)+len(c.back)+len(c.dead) == 0 }

// wanted are the IDs of dead letters; empty means all. What is found becomes true.
type wanted map[string]bool

func (w wanted) takes(id string) bool {
	_, named := w[id]
	if named {
		w[id] = true
	}

	return named || len(w) == 0
}
