package conntest

import (
	"io"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// StoreHarness says how to test a store.
type StoreHarness struct {
	// New returns an empty store. Clean up with t.Cleanup.
	New func(t testing.TB) connector.Store
	// Reopen gives up the store, as a crash does, and returns another on the same data;
	// nil when the store does not outlive the process.
	Reopen func(t testing.TB, store connector.Store) connector.Store
	// Virtual runs each case in a testing/synctest bubble.
	Virtual bool
	// Wait is how long a case waits for what should happen; default 5 s. It has no effect
	// with Virtual.
	Wait time.Duration
}

// TestStore checks a store against the contract of connector.Store.
func TestStore(t *testing.T, h StoreHarness) {
	t.Helper()
	s := newSuite(t, h.Virtual, h.Wait, map[string]bool{"New": h.New != nil})
	c := storeCases{suite: s, h: h}
	s.probe(func(t *testing.T) {
		store := h.New(t)
		c.caps = described(t, store)
		_, c.closer = store.(io.Closer)
	})
	c.values()
	c.scan()
	c.expiry()
	c.limits()
	c.transactions()
	c.claims()
	c.fencing()
	c.restart()
	c.close()
}

type storeCases struct {
	suite

	h      StoreHarness
	caps   connector.Capabilities
	closer bool
}
