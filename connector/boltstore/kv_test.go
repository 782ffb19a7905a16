package boltstore_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
)

func openAt(t testing.TB, path string, cfg boltstore.Config) *boltstore.Store {
	t.Helper()
	s, err := boltstore.Open(path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})

	return s
}

func openNew(t testing.TB) (*boltstore.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.db")

	return openAt(t, path, boltstore.Config{}), path
}

func put(t testing.TB, s connector.KV, key, value string, ttl time.Duration) connector.Version {
	t.Helper()
	v, err := s.Put(t.Context(), key, []byte(value), connector.Any, ttl)
	if err != nil {
		t.Fatalf("Put %s: %v", key, err)
	}

	return v
}

func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

func keys(t testing.TB, s connector.KV, from, to string) string {
	t.Helper()
	var list []string
	for e, err := range s.Scan(t.Context(), from, to) {
		if err != nil {
			t.Fatalf("Scan: %v", err)
		}
		list = append(list, e.Key+"="+string(e.Value))
	}

	return strings.Join(list, " ")
}

func TestEntriesSurviveReopening(t *testing.T) {
	s, path := openNew(t)
	put(t, s, "a", "1", 0)
	before := put(t, s, "b", "2", time.Hour)
	if err := s.Delete(t.Context(), "a", connector.Any); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path, boltstore.Config{})
	_, err := s.Get(t.Context(), "a")
	wantErr(t, "Get of what was deleted", err, connector.ErrNotFound)
	e, err := s.Get(t.Context(), "b")
	if err != nil || string(e.Value) != "2" || e.Version != before || e.Expires.IsZero() {
		t.Errorf("got %+v, %v", e, err)
	}
	if after := put(t, s, "c", "3", 0); after <= before {
		t.Errorf("version %d after reopening, want more than %d", after, before)
	}
}

func TestCompareAndSet(t *testing.T) {
	s, _ := openNew(t)
	v, err := s.Put(t.Context(), "k", nil, connector.Absent, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Put(t.Context(), "k", nil, connector.Absent, 0)
	wantErr(t, "Put over what exists", err, connector.ErrConflict)
	_, err = s.Put(t.Context(), "k", nil, v+1, 0)
	wantErr(t, "Put at another version", err, connector.ErrConflict)
	wantErr(t, "Delete at another version", s.Delete(t.Context(), "k", v+1), connector.ErrConflict)
	if err := s.Delete(t.Context(), "k", v); err != nil {
		t.Error(err)
	}
	wantErr(t, "Delete of nothing", s.Delete(t.Context(), "k", v), connector.ErrConflict)
	if err := s.Delete(t.Context(), "k", connector.Any); err != nil {
		t.Error(err)
	}
}

func TestExpiredEntriesAreAbsentAndGoAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, path := openNew(t)
		for i := range 500 {
			put(t, s, fmt.Sprintf("short-%03d", i), "x", time.Minute)
		}
		v := put(t, s, "long", "x", time.Hour)
		put(t, s, "prolonged", "x", time.Minute)
		put(t, s, "prolonged", "y", time.Hour)
		time.Sleep(time.Minute)
		_, err := s.Get(t.Context(), "short-000")
		wantErr(t, "Get of what expired", err, connector.ErrNotFound)
		if got := keys(t, s, "", ""); got != "long=x prolonged=y" {
			t.Errorf("scan gave %s", got)
		}
		if _, err := s.Put(t.Context(), "short-001", nil, connector.Absent, 0); err != nil {
			t.Errorf("Put where an entry expired: %v", err)
		}
		for range 20 { // each commit clears some
			v = put(t, s, "long", "x", 0)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if n, indexed := boltstore.CountRecords(t, path); n != 3 || indexed != 1 {
			t.Errorf("the file holds %d records and %d ends of life, want 3 and 1", n, indexed)
		}
		if v == 0 {
			t.Error("no version")
		}
	})
}

func TestLimits(t *testing.T) {
	s, _ := openNew(t)
	longest, largest := strings.Repeat("k", connector.MaxKey), make([]byte, connector.MaxValue)
	if _, err := s.Put(t.Context(), longest, largest, connector.Any, 0); err != nil {
		t.Errorf("Put at the limits: %v", err)
	}
	for what, err := range map[string]error{
		"key":   second(s.Put(t.Context(), longest+"k", nil, connector.Any, 0)),
		"value": second(s.Put(t.Context(), "k", make([]byte, connector.MaxValue+1), connector.Any, 0)),
	} {
		if limit, ok := errors.AsType[*connector.LimitError](err); !ok || limit.What != what {
			t.Errorf("%s over the limit: got %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"empty key":    second(s.Put(t.Context(), "", nil, connector.Any, 0)),
		"negative ttl": second(s.Put(t.Context(), "k", nil, connector.Any, -1)),
		"no lease":     second(s.Claim(t.Context(), "k", 0)),
	} {
		if connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("%s: got %v, want a permanent error", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestScanGoesOnAcrossChunks(t *testing.T) {
	s, _ := openNew(t)
	err := s.Update(t.Context(), func(tx connector.KV) error {
		for i := range 1000 {
			put(t, tx, fmt.Sprintf("k%04d", i), "", 0)
		}
		seen := 0
		for _, err := range tx.Scan(t.Context(), "", "") {
			if err != nil {
				return err
			}
			seen++
		}
		if seen != 1000 {
			t.Errorf("the transaction sees %d entries of its own, want 1000", seen)
		}

		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	next := 10
	for e, err := range s.Scan(t.Context(), "k0010", "k0990") {
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("k%04d", next); e.Key != want {
			t.Fatalf("got %s, want %s", e.Key, want)
		}
		next++
	}
	if next != 990 {
		t.Errorf("the scan ended before k%04d", next)
	}
}

func TestScanHoldsNothingOpen(t *testing.T) {
	s, _ := openNew(t)
	put(t, s, "a", "", 0)
	put(t, s, "b", "", 0)
	for range s.Scan(t.Context(), "", "") {
		put(t, s, "zz"+strings.Repeat("x", 100), strings.Repeat("x", 1<<20), 0) // makes the file grow
	}
}
