package boltstore_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
)

func TestClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, path := openNew(t)
		ctx := t.Context()
		first := claim(t, s, "k", time.Minute)
		_, err := s.Claim(ctx, "k", time.Minute)
		if held, ok := errors.AsType[*connector.ClaimedError](err); !ok || time.Until(held.Until) != time.Minute {
			t.Errorf("second claim: %v", err)
		}
		time.Sleep(time.Minute)
		next := claim(t, s, "k", time.Minute)
		if next.Token <= first.Token {
			t.Errorf("token %d after %d", next.Token, first.Token)
		}
		wantErr(t, "Confirm of a lost claim", s.Confirm(ctx, 0, claim(t, s, "other", time.Minute), first), connector.ErrFenced)
		wantErr(t, "Extend of a lost claim", s.Extend(ctx, time.Hour, first, next), connector.ErrFenced)
		if err := s.Release(ctx, first); err != nil {
			t.Errorf("Release of a lost claim: %v", err)
		}
		time.Sleep(30 * time.Minute) // next was extended
		for range 2 {                // the second time is a repetition
			if err := s.Confirm(ctx, time.Hour, next); err != nil {
				t.Errorf("Confirm: %v", err)
			}
		}
		confirmed(t, s, "k")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openAt(t, path, boltstore.Config{})
		confirmed(t, s, "k")
		if again := claim(t, s, "other", time.Minute); again.Token <= next.Token {
			t.Errorf("token %d after reopening, before %d", again.Token, next.Token)
		}
		time.Sleep(time.Hour)
		claim(t, s, "k", time.Minute)
	})
}

func claim(t testing.TB, s *boltstore.Store, key string, lease time.Duration) connector.Claim {
	t.Helper()
	c, err := s.Claim(t.Context(), key, lease)
	if err != nil {
		t.Fatalf("Claim %s: %v", key, err)
	}

	return c
}

func confirmed(t testing.TB, s *boltstore.Store, key string) {
	t.Helper()
	_, err := s.Claim(t.Context(), key, time.Minute)
	if e, ok := errors.AsType[*connector.ConfirmedError](err); !ok || e.Key != key {
		t.Errorf("claim of what is confirmed: %v", err)
	}
}

func TestClaimsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openAt(t, filepath.Join(t.TempDir(), "s"), boltstore.Config{MaxClaims: 10})
		for i := range 10 {
			claim(t, s, fmt.Sprint("k", i), time.Minute)
		}
		_, err := s.Claim(t.Context(), "one more", time.Minute)
		if after, ok := connector.RetryAfter(err); !ok || after != time.Minute {
			t.Errorf("one claim too many: %v", err)
		}
		time.Sleep(time.Minute)
		claim(t, s, "one more", time.Minute)
	})
}

func TestTokensGrowBeyondTheReservedBlock(t *testing.T) {
	s, _ := openNew(t)
	var last connector.Version
	for range 1<<16 + 10 {
		c := claim(t, s, "k", time.Minute)
		if c.Token <= last {
			t.Fatalf("token %d after %d", c.Token, last)
		}
		last = c.Token
		if err := s.Release(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOnlyOneClaimWins(t *testing.T) {
	s, _ := openNew(t)
	var won atomic.Int64
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() {
			c, err := s.Claim(context.Background(), "k", time.Hour)
			if err != nil {
				return
			}
			won.Add(1)
			if err := s.Confirm(context.Background(), 0, c); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if won.Load() != 1 {
		t.Errorf("%d claims won", won.Load())
	}
}
