package flow

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/wallclock"
)

// states are the groups of one stage in a store.
type states[Key comparable, Acc any] struct {
	store connector.Store
	// prefix names the pipeline and the stage.
	prefix string
}

// stored is a group as the store keeps it.
type stored[Key comparable, Acc any] struct {
	Group[Key, Acc]

	// First and Last are when the group got its first message and its last, by the wall
	// clock.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last"`
}

// stamp puts the times into the group.
func (g *stored[Key, Acc]) stamp(s span) {
	g.First, g.Last = wallclock.At(s.first), wallclock.At(s.last)
}

// span returns the times of the group by the clock of this process. One that was stored
// without its first time counts from its last.
func (g *stored[Key, Acc]) span() span {
	s := span{first: wallclock.Past(g.First), last: wallclock.Past(g.Last)}
	if g.First.IsZero() {
		s.first = s.last
	}

	return s
}

// SeenTTL is how long a stored Fold or Aggregate remembers that it has counted a message,
// so that the same message, handed out again, is not counted twice.
const SeenTTL = 7 * 24 * time.Hour

// The parts of the name space of a stage in a store.
const (
	openGroups = "group/"
	doneGroups = "done/"
	seenIDs    = "seen/"
	doneCount  = "number"
	ownerEntry = "owner"
)

func newStates[Key comparable, Acc any](store connector.Store, flow, stage string) states[Key, Acc] {
	return states[Key, Acc]{store: store, prefix: storeName(flow, stage)}
}

// storeName is the common beginning of the keys that a stage uses in a store. The parts
// are quoted, so that no two stages can share one.
func storeName(flow, stage string) string { return fmt.Sprintf("%q/%q/", flow, stage) }

// load returns the group of a key, and the name it is stored under.
func (s states[Key, Acc]) load(ctx context.Context, tx connector.KV, key Key) (stored[Key, Acc], string, error) {
	group := stored[Key, Acc]{Group: Group[Key, Acc]{Key: key}}
	text, err := json.Marshal(key, json.Deterministic(true))
	if err != nil {
		return group, "", connector.Permanent(fmt.Errorf("encode the key: %w", err))
	}
	name := s.prefix + openGroups + string(text)
	entry, err := tx.Get(ctx, name)
	if errors.Is(err, connector.ErrNotFound) {
		return group, name, nil
	}
	if err != nil {
		return group, name, fmt.Errorf("read the state of key %s: %w", text, err)
	}
	if err := json.Unmarshal(entry.Value, &group); err != nil {
		return group, name, connector.Permanent(fmt.Errorf(
			"the stored state of key %s does not fit %T: rename the stage or migrate its state: %w", text, group.Group, err))
	}

	return group, name, nil
}

func (s states[Key, Acc]) save(ctx context.Context, tx connector.KV, name string, group stored[Key, Acc]) error {
	text, err := json.Marshal(group, json.Deterministic(true))
	if err != nil {
		return connector.Permanent(fmt.Errorf("encode the state: %w", err))
	}
	if _, err = tx.Put(ctx, name, text, connector.Any, 0); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}

	return nil
}

var errNoID = errors.New("the message has no ID, so it could not be recognised when it comes again: " +
	"let the source set a Position or an ID")

// see notes that a message is counted, and reports whether it was before.
func (s states[Key, Acc]) see(ctx context.Context, tx connector.KV, id string) (bool, error) {
	if id == "" {
		return false, connector.Permanent(errNoID)
	}
	_, err := tx.Put(ctx, s.prefix+seenIDs+id, nil, connector.Absent, SeenTTL)
	switch {
	case errors.Is(err, connector.ErrConflict):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("note the message as counted: %w", err)
	default:
		return false, nil
	}
}

// guard turns a panic into an error.
func guard(fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = permanent(&PanicError{Value: r, Stack: debug.Stack()})
		}
	}()

	return fn()
}
