package memory

import (
	"context"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Store keeps the whole contract of connector.Store in memory: it is for tests and for
// state that may be lost with the process. Entries, claims and confirmations whose time
// is over vanish at once and give their memory back by and by. It declares
// Capabilities{Name: "memory"}.
//
// A transaction runs alone: Update holds the store until its function has returned, so
// the function must not call the store itself. Waiting for it ends with the context.
type Store struct {
	ops [opCount]script

	lock      chan struct{} // holds a value while someone is in the store
	version   connector.Version
	entries   table[stored]
	claims    table[held]
	confirmed table[held]
}

// stored is the value of a key. Its bytes are never changed in place.
type stored struct {
	value   []byte
	version connector.Version
}

// held is the token of a claim, before or after its confirmation.
type held struct {
	token connector.Version
}

// Op is an operation of a Store, for Script.
type Op uint8

// The operations of a Store. OpUpdate stands for a whole transaction; what happens in one
// is not scripted.
const (
	OpGet Op = iota
	OpPut
	OpDelete
	OpScan
	OpUpdate
	OpClaim
	OpConfirm
	OpRelease
	OpExtend
	opCount
)

// NewStore returns an empty store. A test that waits for a transaction inside a
// testing/synctest bubble makes the store inside it too.
func NewStore() *Store { return &Store{lock: make(chan struct{}, 1)} }

// Describe implements connector.Describer.
func (s *Store) Describe() connector.Capabilities { return connector.Capabilities{Name: "memory"} }

// Script says what the coming calls of an operation do, behind what was scripted before.
// Fail changes nothing; PassThenFail makes the change and reports an error, so give it
// one of connector.ClassAmbiguous. A Block holds up its own call alone. An unknown op is
// ignored.
func (s *Store) Script(op Op, steps ...Step) {
	if op < opCount {
		s.ops[op].add(steps)
	}
}

// do runs one operation, alone in the store.
func (s *Store) do(ctx context.Context, op Op, work func(now time.Time) error) error {
	step, err := s.ops[op].begin(ctx)
	if err != nil {
		return err
	}
	select {
	case s.lock <- struct{}{}:
	case <-ctx.Done():
		return ended(ctx)
	}
	defer func() { <-s.lock }()

	return step.finish(work(time.Now()))
}

// next returns the version of a change.
func (s *Store) next() connector.Version {
	s.version++

	return s.version
}
