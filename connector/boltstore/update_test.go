package boltstore_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
)

func TestUpdateIsAllOrNothing(t *testing.T) {
	s, _ := openNew(t)
	put(t, s, "a", "1", 0)
	failure := errors.New("failure")
	err := s.Update(t.Context(), func(tx connector.KV) error {
		put(t, tx, "a", "2", 0)
		put(t, tx, "b", "2", 0)

		return failure
	})
	wantErr(t, "Update", err, failure)
	if got := keys(t, s, "", ""); got != "a=1" {
		t.Errorf("after an Update that failed: %s", got)
	}
}

func TestTransactionIsOverAfterUpdate(t *testing.T) {
	s, _ := openNew(t)
	var kept connector.KV
	if err := s.Update(t.Context(), func(tx connector.KV) error { kept = tx; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := kept.Get(t.Context(), "a"); err == nil {
		t.Error("Get after Update: want an error")
	}
	for _, err := range kept.Scan(t.Context(), "", "") {
		if err == nil {
			t.Error("Scan after Update: want an error")
		}
	}
}

// TestConcurrentUpdates has failing, panicking and exiting transactions among good ones:
// the good ones must all count, and nothing of the others.
func TestConcurrentUpdates(t *testing.T) {
	s, _ := openNew(t)
	put(t, s, "n", "", 0)
	var group sync.WaitGroup
	var good atomic.Int64
	for i := range 16 {
		group.Go(func() {
			for j := range 10 {
				kind := (i + j) % 5
				err := increment(s, kind)
				if (err == nil) != (kind < 2) {
					t.Errorf("kind %d: %v", kind, err)
				}
				if err == nil {
					good.Add(1)
				}
			}
		})
	}
	group.Wait()
	e, err := s.Get(context.Background(), "n")
	if err != nil || int64(len(e.Value)) != good.Load() {
		t.Errorf("%d increments are in the store, want %d (%v)", len(e.Value), good.Load(), err)
	}
}

var errUpdate = errors.New("update failed")

func increment(s *boltstore.Store, kind int) error {
	result := make(chan error, 1)
	go func() {
		err := errUpdate
		defer func() {
			_ = recover()
			result <- err
		}()
		err = s.Update(context.Background(), func(tx connector.KV) error {
			e, err := tx.Get(context.Background(), "n")
			if err != nil {
				return err
			}
			if _, err := tx.Put(context.Background(), "n", append(e.Value, 'x'), e.Version, 0); err != nil {
				return err
			}
			switch kind {
			case 2:
				return errUpdate
			case 3:
				panic("on purpose")
			case 4:
				runtime.Goexit()
			}

			return nil
		})
	}()

	return <-result
}

func TestContextEndsWhileWaiting(t *testing.T) {
	s, _ := openNew(t)
	entered, leave := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		if err := s.Update(context.Background(), func(connector.KV) error {
			close(entered)
			<-leave

			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	group.Go(func() {
		_, err := s.Put(ctx, "k", nil, connector.Any, 0)
		wantErr(t, "Put", err, context.Canceled)
		close(leave)
	})
	cancel()
	group.Wait()
	_, err := s.Get(t.Context(), "k")
	wantErr(t, "Get of what was given up", err, connector.ErrNotFound)
}
