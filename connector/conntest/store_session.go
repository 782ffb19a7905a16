package conntest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// shelf is a KV under test: a store, or what a transaction is given. Its methods fail the
// test where an error is not expected.
type shelf struct {
	connector.KV

	t   *testing.T
	ctx context.Context
}

// safe is a store under test.
type safe struct {
	shelf

	store connector.Store
}

func (c storeCases) open(t *testing.T) safe {
	t.Helper()

	return c.wrap(t, c.h.New(t))
}

func (c storeCases) wrap(t *testing.T, store connector.Store) safe {
	t.Helper()

	return safe{shelf: shelf{KV: store, t: t, ctx: c.context(t)}, store: store}
}

// put sets a value and returns its version.
func (o shelf) put(key, value string, expect connector.Version, ttl time.Duration) connector.Version {
	o.t.Helper()
	version, err := o.Put(o.ctx, key, []byte(value), expect, ttl)
	if err != nil {
		o.t.Fatalf("Put %q: %v", key, err)
	}
	if version == connector.Absent || version == connector.Any {
		o.t.Errorf("Put %q gave version %d, which has a meaning of its own", key, version)
	}

	return version
}

// set sets a value, whatever was there.
func (o shelf) set(key, value string) connector.Version {
	o.t.Helper()

	return o.put(key, value, connector.Any, 0)
}

// is checks an entry and returns it.
func (o shelf) is(key, value string) connector.Entry {
	o.t.Helper()
	entry, err := o.Get(o.ctx, key)
	if err != nil {
		o.t.Fatalf("Get %q: %v", key, err)
	}
	if entry.Key != key || !bytes.Equal(entry.Value, []byte(value)) {
		o.t.Errorf("Get %q gave key %q, value %q; want %q", key, entry.Key, entry.Value, value)
	}

	return entry
}

func (o shelf) absent(key string) {
	o.t.Helper()
	if entry, err := o.Get(o.ctx, key); !errors.Is(err, connector.ErrNotFound) {
		o.t.Errorf("Get %q gave %q, error %v; want ErrNotFound", key, entry.Value, err)
	}
}

func (o shelf) remove(key string, expect connector.Version) {
	o.t.Helper()
	if err := o.Delete(o.ctx, key, expect); err != nil {
		o.t.Fatalf("Delete %q: %v", key, err)
	}
}

// conflict checks that a change was refused for its version.
func (o shelf) conflict(err error) {
	o.t.Helper()
	if !errors.Is(err, connector.ErrConflict) {
		o.t.Errorf("error %v, want ErrConflict", err)
	}
}

// keys scans and checks the keys.
func (o shelf) keys(from, to string, want ...string) {
	o.t.Helper()
	var got []string
	for entry, err := range o.Scan(o.ctx, from, to) {
		if err != nil {
			o.t.Fatalf("Scan %q to %q: %v", from, to, err)
		}
		got = append(got, entry.Key)
	}
	sameValues(o.t, nil, got, want)
}

// update runs a transaction that must succeed.
func (o safe) update(fn func(tx shelf) error) {
	o.t.Helper()
	if err := o.tryUpdate(fn); err != nil {
		o.t.Fatalf("Update: %v", err)
	}
}

func (o safe) tryUpdate(fn func(tx shelf) error) error {
	return o.store.Update(o.ctx, func(tx connector.KV) error {
		return fn(shelf{KV: tx, t: o.t, ctx: o.ctx})
	})
}

// claim takes a key that must be free.
func (o safe) claim(key string, lease time.Duration) connector.Claim {
	o.t.Helper()
	claim, err := o.store.Claim(o.ctx, key, lease)
	if err != nil {
		o.t.Fatalf("Claim %q: %v", key, err)
	}
	if claim.Key != key || claim.Token == 0 {
		o.t.Errorf("Claim %q gave %+v", key, claim)
	}

	return claim
}

// claimed checks that another holds the key.
func (o safe) claimed(key string) {
	o.t.Helper()
	_, err := o.store.Claim(o.ctx, key, time.Hour)
	held, ok := errors.AsType[*connector.ClaimedError](err)
	if !ok {
		o.t.Fatalf("Claim %q: %v, want a ClaimedError", key, err)
	}
	if held.Key != key || !held.Until.After(time.Now()) {
		o.t.Errorf("Claim %q: %+v, want the key and a time to come", key, held)
	}
}

// confirmed checks that the work of the key was done.
func (o safe) confirmed(key string) {
	o.t.Helper()
	_, err := o.store.Claim(o.ctx, key, time.Hour)
	if done, ok := errors.AsType[*connector.ConfirmedError](err); !ok || done.Key != key {
		o.t.Fatalf("Claim %q: %v, want a ConfirmedError", key, err)
	}
}

func (o safe) confirm(ttl time.Duration, claims ...connector.Claim) {
	o.t.Helper()
	if err := o.store.Confirm(o.ctx, ttl, claims...); err != nil {
		o.t.Fatalf("Confirm: %v", err)
	}
}

func (o safe) release(claims ...connector.Claim) {
	o.t.Helper()
	if err := o.store.Release(o.ctx, claims...); err != nil {
		o.t.Fatalf("Release: %v", err)
	}
}

func (o safe) extend(lease time.Duration, claims ...connector.Claim) {
	o.t.Helper()
	if err := o.store.Extend(o.ctx, lease, claims...); err != nil {
		o.t.Fatalf("Extend: %v", err)
	}
}

// fenced checks that a claim was found to be lost.
func (o safe) fenced(err error) {
	o.t.Helper()
	if !errors.Is(err, connector.ErrFenced) {
		o.t.Errorf("error %v, want ErrFenced", err)
	}
}
