package boltstore_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
)

// damageStride makes a sample of the bits, with every record and page met many times;
// internal/boltcheck flips them all.
const damageStride = 211

// stocked makes a closed store with every kind of record, and returns its content.
func stocked(t *testing.T) (path string, want map[string]string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "state.db")
	s := openAt(t, path, boltstore.Config{})
	want = make(map[string]string)
	for i := range 30 {
		key, value := fmt.Sprintf("key-%02d", i), strings.Repeat("value ", i)
		put(t, s, key, value, time.Duration(i%3)*time.Hour)
		want[key] = value
	}
	for i := range 5 {
		if err := s.Confirm(t.Context(), time.Duration(i%2)*time.Hour, claim(t, s, fmt.Sprint("claim-", i), time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	return path, want
}

// TestDamage flips bits all over the file. Whatever is read is what was written, or an error
// that names the file.
func TestDamage(t *testing.T) {
	path, want := stocked(t)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused, met, unharmed := 0, 0, 0
	for bit := 0; bit < 8*len(good); bit += damageStride {
		if good[bit/8] == 0 && bit%(11*damageStride) != 0 {
			continue // most of the file is zero
		}
		good[bit/8] ^= 1 << (bit % 8)
		switch damaged, opened := readDamaged(t, bit, path, good, want); {
		case !opened:
			refused++
		case damaged:
			met++
		default:
			unharmed++
		}
		good[bit/8] ^= 1 << (bit % 8)
	}
	t.Logf("%d files were refused, %d had a damaged record, %d were as before", refused, met, unharmed)
	if refused == 0 || met == 0 {
		t.Error("the sample shows nothing")
	}
}

// readDamaged opens and reads a damaged file.
func readDamaged(t *testing.T, at int, path string, data []byte, want map[string]string) (damaged, opened bool) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := boltstore.Open(path, boltstore.Config{})
	if err != nil {
		wantCorrupt(t, at, "Open", path, err)

		return false, false
	}
	defer func() { _ = s.Close() }() // a damaged page may fail it
	for key, value := range want {
		e, err := s.Get(t.Context(), key)
		if err != nil {
			damaged = true
			wantCorrupt(t, at, "Get "+key, path, err)
		} else if string(e.Value) != value {
			t.Errorf("at %d: %s is %q, want %q", at, key, e.Value, value)
		}
	}
	n := 0
	for e, err := range s.Scan(t.Context(), "", "") {
		if err != nil {
			wantCorrupt(t, at, "Scan", path, err)

			break
		}
		if n++; string(e.Value) != want[e.Key] {
			t.Errorf("at %d: Scan gives %s=%q", at, e.Key, e.Value)
		}
	}
	if !damaged && n != len(want) {
		t.Errorf("at %d: Scan gives %d entries, want %d", at, n, len(want))
	}
	for i := range 5 {
		_, err := s.Claim(t.Context(), fmt.Sprint("claim-", i), time.Hour)
		if _, ok := errors.AsType[*connector.ConfirmedError](err); !ok {
			damaged = true
			wantCorrupt(t, at, "Claim", path, err)
		}
	}

	return damaged, true
}

func wantCorrupt(t *testing.T, at int, what, path string, err error) {
	t.Helper()
	c, ok := errors.AsType[*boltstore.CorruptError](err)
	if !ok || c.File != path || connector.ClassOf(err) != connector.ClassPermanent || !strings.Contains(err.Error(), path) {
		t.Errorf("at %d: %s: %v, want a permanent CorruptError that names the file", at, what, err)
	}
}

// TestCut cuts the file short, at every page and between.
func TestCut(t *testing.T) {
	path, want := stocked(t)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for n := 1; n < len(good); n += 1024 - n%2 {
		if _, opened := readDamaged(t, n, path, good[:n], want); !opened {
			refused++
		}
	}
	if refused == 0 {
		t.Error("no file was refused")
	}
}
