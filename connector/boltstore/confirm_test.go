package boltstore_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
)

// busy keeps the store in a transaction until the function that it returns is called.
func busy(t *testing.T, s *boltstore.Store) (release func()) {
	t.Helper()
	began, end := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- s.Update(context.Background(), func(connector.KV) error {
			close(began)
			<-end

			return nil
		})
	}()
	<-began

	return func() {
		close(end)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// A claim whose lease ends while its confirmation waits for the disk is not taken over.
func TestConfirmationUnderWayKeepsTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := openNew(t)
		c := claim(t, s, "k", time.Minute)
		release := busy(t, s)
		done := make(chan error, 1)
		go func() { done <- s.Confirm(context.Background(), 0, c) }()
		synctest.Wait()
		time.Sleep(2 * time.Minute)
		if taken, err := s.Claim(t.Context(), "k", time.Minute); err == nil {
			t.Errorf("token %d took the key of token %d, which is being confirmed", taken.Token, c.Token)
		} else if _, ok := errors.AsType[*connector.ClaimedError](err); !ok {
			t.Errorf("claim: %v", err)
		}
		release()
		if err := <-done; err != nil {
			t.Errorf("confirm: %v", err)
		}
		confirmed(t, s, "k")
	})
}

// A confirmation that was given up leaves the claim as it was, so that it can be repeated.
func TestConfirmationGivenUpKeepsTheClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := openNew(t)
		c := claim(t, s, "k", time.Hour)
		release := busy(t, s)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantErr(t, "a confirmation without time", s.Confirm(ctx, 0, c), context.DeadlineExceeded)
		release()
		if _, err := s.Claim(t.Context(), "k", time.Minute); err == nil {
			t.Error("the key was claimed by another")
		}
		if err := s.Confirm(t.Context(), 0, c); err != nil {
			t.Errorf("confirm again: %v", err)
		}
		confirmed(t, s, "k")
	})
}
