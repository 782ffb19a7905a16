package memory_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
)

// operations calls each operation of a store once.
func operations(ctx context.Context, s *memory.Store) map[memory.Op]func() error {
	claim := connector.Claim{Key: "k", Token: 1}

	return map[memory.Op]func() error{
		memory.OpGet:    func() error { _, err := s.Get(ctx, "a"); return err },
		memory.OpPut:    func() error { _, err := s.Put(ctx, "a", nil, connector.Any, 0); return err },
		memory.OpDelete: func() error { return s.Delete(ctx, "a", connector.Any) },
		memory.OpScan: func() error {
			for _, err := range s.Scan(ctx, "", "") {
				if err != nil {
					return err
				}
			}

			return nil
		},
		memory.OpUpdate:  func() error { return s.Update(ctx, func(connector.KV) error { return nil }) },
		memory.OpClaim:   func() error { _, err := s.Claim(ctx, "k", time.Minute); return err },
		memory.OpConfirm: func() error { return s.Confirm(ctx, 0, claim) },
		memory.OpRelease: func() error { return s.Release(ctx, claim) },
		memory.OpExtend:  func() error { return s.Extend(ctx, time.Minute, claim) },
	}
}

func TestStoreScripts(t *testing.T) {
	ops := operations(t.Context(), memory.NewStore())
	for op := range ops {
		store := memory.NewStore()
		store.Script(op, memory.Fail(errDown))
		for other, call := range operations(t.Context(), store) {
			if err := call(); errors.Is(err, errDown) != (other == op) {
				t.Errorf("operation %d scripted: operation %d gave %v", op, other, err)
			}
		}
		if err := operations(t.Context(), store)[op](); errors.Is(err, errDown) {
			t.Errorf("operation %d failed twice", op)
		}
	}
	memory.NewStore().Script(memory.Op(99), memory.Fail(errDown)) // ignored
}

func TestStoreFailsAfterTheChange(t *testing.T) {
	store, ctx := memory.NewStore(), t.Context()
	store.Script(memory.OpUpdate, memory.PassThenFail(connector.Ambiguous(errLost)))
	err := store.Update(ctx, func(tx connector.KV) error {
		_, err := tx.Put(ctx, "a", []byte("x"), connector.Absent, 0)

		return err
	})
	if !errors.Is(err, errLost) {
		t.Errorf("error %v", err)
	}
	if _, err := store.Get(ctx, "a"); err != nil {
		t.Errorf("the change is lost: %v", err)
	}
}

func TestStoreRefusesNonsense(t *testing.T) {
	store, ctx := memory.NewStore(), t.Context()
	_, put := store.Put(ctx, "a", nil, connector.Any, -1)
	_, claim := store.Claim(ctx, "a", 0)
	for name, err := range map[string]error{
		"ttl":              put,
		"lease of claim":   claim,
		"lease of extend":  store.Extend(ctx, 0),
		"ttl of a confirm": store.Confirm(ctx, -1),
	} {
		if connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("%s: error %v, want a permanent one", name, err)
		}
	}
}

func TestTransactionIsOver(t *testing.T) {
	store, ctx := memory.NewStore(), t.Context()
	var kept connector.KV
	if err := store.Update(ctx, func(tx connector.KV) error { kept = tx; return nil }); err != nil {
		t.Fatal(err)
	}
	_, get := kept.Get(ctx, "a")
	_, put := kept.Put(ctx, "a", nil, connector.Any, 0)
	for name, err := range map[string]error{"Get": get, "Put": put, "Delete": kept.Delete(ctx, "a", connector.Any)} {
		if connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("%s: error %v, want a permanent one", name, err)
		}
	}
	for _, err := range kept.Scan(ctx, "", "") {
		if err == nil {
			t.Error("Scan works after the transaction")
		}
	}
}

// TestUpdateThatWaits lets a transaction take its time: others wait for it, and their
// contexts end.
func TestUpdateThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, ctx := memory.NewStore(), t.Context()
		done := make(chan error)
		go func() {
			done <- store.Update(ctx, func(tx connector.KV) error {
				time.Sleep(time.Hour)
				_, err := tx.Put(ctx, "a", nil, connector.Absent, 0)

				return err
			})
		}()
		synctest.Wait()
		short, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if _, err := store.Get(short, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if _, err := store.Get(ctx, "a"); err != nil {
			t.Errorf("error %v: want the state after the transaction", err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestUpdateWhoseContextEnds(t *testing.T) {
	store := memory.NewStore()
	ctx, cancel := context.WithCancel(t.Context())
	err := store.Update(ctx, func(tx connector.KV) error {
		_, err := tx.Put(ctx, "a", nil, connector.Any, 0)
		cancel()

		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := store.Get(t.Context(), "a"); !errors.Is(err, connector.ErrNotFound) {
		t.Errorf("error %v: want nothing changed", err)
	}
}
