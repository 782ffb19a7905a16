package connector

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Store keeps small state that must outlive a message: what was processed, running
// aggregates, checkpoints, leases. All methods are safe for concurrent use, by several
// processes where the store can be shared. When a method returns nil, its change is as
// durable as the store declares; an error means that nothing changed, unless its class
// is ambiguous.
type Store interface {
	KV
	Claims

	// Update runs fn in one transaction: all of its changes, or none when fn or the
	// commit fails. What fn reads stays true until the commit. fn may run more than
	// once and must use only the KV that it is given, and not after it has returned.
	Update(ctx context.Context, fn func(tx KV) error) error
}

// Limits that every Store enforces with a *[LimitError].
const (
	// MaxKey is the most bytes of a key; the least is 1.
	MaxKey = 1024
	// MaxValue is the most bytes of a value.
	MaxValue = 1 << 20
)

// Version is the fencing token of an entry or a claim: it grows with every change of
// the store, so a later holder always has the larger one.
type Version uint64

const (
	// Absent expects that the entry does not exist.
	Absent Version = 0
	// Any expects nothing.
	Any Version = 1<<64 - 1
)

// Entry is one key and its value.
type Entry struct {
	Key     string
	Value   []byte
	Version Version
	// Expires is when the entry vanishes; the zero time means never.
	Expires time.Time
}

// KV is ordered keys and values with compare-and-set.
type KV interface {
	// Get returns the entry, or ErrNotFound. The Value belongs to the caller.
	Get(ctx context.Context, key string) (Entry, error)
	// Put sets the value if the entry's version is expect, and returns the new version;
	// otherwise it returns ErrConflict. A ttl of zero keeps the entry for ever.
	Put(ctx context.Context, key string, value []byte, expect Version, ttl time.Duration) (Version, error)
	// Delete removes the entry if its version is expect; otherwise it returns
	// ErrConflict. Deleting an absent key with Any does nothing.
	Delete(ctx context.Context, key string, expect Version) error
	// Scan yields the entries with from <= key < to in ascending order of bytes; an empty
	// to means no upper bound. Iteration stops at the first error. The body must not
	// change the store, except through a transaction's own KV after the loop.
	Scan(ctx context.Context, from, to string) iter.Seq2[Entry, error]
}

// Claims is the right to process a key, given to one holder at a time. Claims live in a
// name space apart from the entries of KV.
type Claims interface {
	// Claim takes the key for the length of the lease. It returns a *[ClaimedError] when
	// another holds it and its lease has not ended, and a *[ConfirmedError] when it was
	// confirmed and the confirmation has not expired. A claim itself need not survive a
	// crash: losing one only means that the key can be claimed again.
	Claim(ctx context.Context, key string, lease time.Duration) (Claim, error)
	// Confirm records, durably and all together, that the claims' work is done. For ttl
	// (zero: for ever) the keys cannot be claimed again. It returns ErrFenced, and
	// changes nothing, when one of them was lost to a later claim.
	Confirm(ctx context.Context, ttl time.Duration, claims ...Claim) error
	// Release gives the keys back unprocessed. Claims that were lost are skipped.
	Release(ctx context.Context, claims ...Claim) error
	// Extend renews the leases from now. It returns ErrFenced when one was lost; the
	// others are renewed all the same.
	Extend(ctx context.Context, lease time.Duration, claims ...Claim) error
}

// Claim is the right to process a key until it is confirmed, released or lost.
type Claim struct {
	Key string
	// Token fences: it is larger than that of every earlier claim of the same key.
	Token Version
}

var (
	// ErrNotFound says that there is no such entry.
	ErrNotFound = errors.New("connector: not found")
	// ErrConflict says that the entry is not at the expected version.
	ErrConflict = errors.New("connector: version conflict")
	// ErrFenced says that a claim was lost to a later one.
	ErrFenced = errors.New("connector: claim lost to a later holder")
	// ErrClosed says that the store, queue or reader was closed.
	ErrClosed = errors.New("connector: closed")
	// ErrStopped is the cause of a message that was returned because the pipeline
	// stopped, not because it failed: a source does not count it as an attempt.
	ErrStopped = errors.New("connector: stopped before the message was finished")
)

// ClaimedError says that another holder has the key.
type ClaimedError struct {
	Key string
	// Until is when its lease ends if it is not extended.
	Until time.Time
}

// Error names the key and the end of the lease.
func (e *ClaimedError) Error() string {
	return fmt.Sprintf("connector: key %q is claimed until %s", e.Key, e.Until.Format(time.RFC3339Nano))
}

// ConfirmedError says that the work of the key was done before.
type ConfirmedError struct {
	Key string
}

// Error names the key.
func (e *ConfirmedError) Error() string {
	return fmt.Sprintf("connector: key %q is confirmed already", e.Key)
}

// LimitError says that something is larger than a bound.
type LimitError struct {
	// What is too large: "key", "value", "body", "field".
	What string
	// Size is what was given or, where reading stopped at the bound, Limit+1.
	Size, Limit int64
}

// Error names the thing, its size and the bound.
func (e *LimitError) Error() string {
	return fmt.Sprintf("connector: %s of %d bytes is over the limit of %d", e.What, e.Size, e.Limit)
}

// CheckEntry returns the error that a Store owes for a key or a value outside the limits.
func CheckEntry(key string, value []byte) error {
	if key == "" {
		return Permanent(errors.New("connector: the key is empty"))
	}
	if len(key) > MaxKey {
		return Permanent(&LimitError{What: "key", Size: int64(len(key)), Limit: MaxKey})
	}
	if len(value) > MaxValue {
		return Permanent(&LimitError{What: "value", Size: int64(len(value)), Limit: MaxValue})
	}

	return nil
}
