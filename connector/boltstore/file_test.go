package boltstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
)

func TestFileIsPrivate(t *testing.T) {
	_, path := openNew(t)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestLockedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, path := openNew(t)
		began := time.Now()
		_, err := boltstore.Open(path, boltstore.Config{})
		if connector.ClassOf(err) != connector.ClassTransient || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v, want a transient error that names the file", err)
		}
		if waited := time.Since(began); waited > time.Second {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestBadOpen(t *testing.T) {
	_, err := boltstore.Open("x", boltstore.Config{LockWait: -1, MaxClaims: -1})
	if err == nil || !strings.Contains(err.Error(), "LockWait") || !strings.Contains(err.Error(), "MaxClaims") {
		t.Errorf("bad config: %v", err)
	}
	path := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(path, []byte(strings.Repeat("no store ", 10_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = boltstore.Open(path, boltstore.Config{})
	if connector.ClassOf(err) != connector.ClassPermanent || !strings.Contains(err.Error(), path) {
		t.Errorf("a file that is no store: %v", err)
	}
}

func TestClosed(t *testing.T) {
	s, _ := openNew(t)
	c := claim(t, s, "k", time.Hour)
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, err := range everyCall(t, s, c) {
		wantErr(t, name, err, connector.ErrClosed)
	}
}

// everyCall makes one call of every method and returns their errors.
func everyCall(t testing.TB, s *boltstore.Store, c connector.Claim) map[string]error {
	ctx := t.Context()
	scan := errors.New("no error")
	for _, scan = range s.Scan(ctx, "", "") {
		break
	}

	return map[string]error{
		"Get":         second(s.Get(ctx, "k")),
		"Put":         second(s.Put(ctx, "k", nil, connector.Any, 0)),
		"Delete":      s.Delete(ctx, "k", connector.Any),
		"Scan":        scan,
		"Update":      s.Update(ctx, func(connector.KV) error { return nil }),
		"Claim":       second(s.Claim(ctx, "other", time.Hour)),
		"Confirm":     s.Confirm(ctx, 0, c),
		"Release":     s.Release(ctx, c),
		"Extend":      s.Extend(ctx, time.Hour, c),
		"CheckHealth": s.CheckHealth(ctx),
	}
}

func TestFailedCommitStopsTheStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, breakDisk := boltstore.OpenBreakable(t, path)
	put(t, s, "k", "1", 0)
	c := claim(t, s, "c", time.Hour)
	breakDisk()
	_, err := s.Put(t.Context(), "k", []byte("2"), connector.Any, 0)
	if connector.ClassOf(err) != connector.ClassAmbiguous {
		t.Errorf("the commit that failed: %v, want an ambiguous error", err)
	}
	for name, err := range everyCall(t, s, c) {
		if stopped, ok := errors.AsType[*boltstore.StoppedError](err); !ok || stopped.File != path {
			t.Errorf("%s on a stopped store: %v", name, err)
		}
	}
}

func TestBitFlips(t *testing.T) {
	s, path := openNew(t)
	put(t, s, "good", "1", 0)
	put(t, s, "key-of-mine", "value-of-mine", 0)
	if err := s.Confirm(t.Context(), 0, claim(t, s, "claim-of-mine", time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	boltstore.FlipBits(t, path, "key-of-mine", "claim-of-mine")
	s = openAt(t, path, boltstore.Config{})
	_, errGet := s.Get(t.Context(), "key-of-mine")
	_, errPut := s.Put(t.Context(), "key-of-mine", nil, 7, 0)
	_, errClaim := s.Claim(t.Context(), "claim-of-mine", time.Hour)
	var errScan error
	for _, errScan = range s.Scan(t.Context(), "", "") {
		continue
	}
	for name, err := range map[string]error{"Get": errGet, "Put": errPut, "Claim": errClaim, "Scan": errScan} {
		if c, ok := errors.AsType[*boltstore.CorruptError](err); !ok || c.File != path || !strings.Contains(c.Key, "-of-mine") {
			t.Errorf("%s: %v", name, err)
		}
	}
	put(t, s, "key-of-mine", "new", 0)
	if got := keys(t, s, "", ""); got != "good=1 key-of-mine=new" {
		t.Errorf("after the repair: %s", got)
	}
}
