package queueconn_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/queueconn"
)

// damageStride makes a sample of the bits; internal/boltcheck flips them all.
const damageStride = 307

// stocked makes a closed queue with every kind of record: messages that were never handed
// out, returned ones, dead letters.
func stocked(t *testing.T) (path string, live, dead []string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "orders")
	q := openAt(t, path, queueconn.Config{MaxAttempts: 2})
	dead = []string{"dead-1", "dead-2"}
	write(t, q, dead...)
	kill(t, q)
	live = []string{"back-1", "back-2", strings.Repeat("large ", 100), "fresh-1", "fresh-2"}
	write(t, q, live...)
	r := reader(t, q)
	settle(t, r, refused, read(t, r, 2)...)
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}

	return path, live, dead
}

// TestDamage flips bits all over the file. Every message is read as it was written, or is a
// dead letter whose error names the file; or the file is refused.
func TestDamage(t *testing.T) {
	path, live, dead := stocked(t)
	good := content(t, path)
	refused, met, unharmed := 0, 0, 0
	notes := content(t, path+".attempts")
	for bit := 0; bit < 8*len(good); bit += damageStride {
		if good[bit/8] == 0 && bit%(11*damageStride) != 0 {
			continue // most of the file is zero
		}
		good[bit/8] ^= 1 << (bit % 8)
		overwrite(t, path+".attempts", notes)
		switch damaged, opened := readDamaged(t, bit, path, good, live, dead); {
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

// TestCut cuts the file short, at every page and between.
func TestCut(t *testing.T) {
	path, live, dead := stocked(t)
	good := content(t, path)
	notes, refused := content(t, path+".attempts"), 0
	for n := 1; n < len(good); n += 1024 - n%2 {
		overwrite(t, path+".attempts", notes)
		if _, opened := readDamaged(t, n, path, good[:n], live, dead); !opened {
			refused++
		}
	}
	if refused == 0 {
		t.Error("no file was refused")
	}
}

// Damage in the file of attempts costs counts, and nothing else.
func TestDamagedAttempts(t *testing.T) {
	path, live, dead := stocked(t)
	good, notes := content(t, path), content(t, path+".attempts")
	for bit := range 8 * len(notes) {
		if bit%41 != 0 {
			continue
		}
		bad := slices.Clone(notes)
		bad[bit/8] ^= 1 << (bit % 8)
		overwrite(t, path+".attempts", bad)
		if damaged, opened := readDamaged(t, bit, path, good, live, dead); damaged || !opened {
			t.Errorf("bit %d: damaged %t, opened %t", bit, damaged, opened)
		}
	}
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}

	return data
}

func overwrite(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// readDamaged opens and empties a damaged queue.
func readDamaged(t *testing.T, at int, path string, data []byte, live, dead []string) (damaged, opened bool) {
	t.Helper()
	overwrite(t, path, data)
	q, err := queueconn.Open(path, textCodec{}, queueconn.Config{MaxAttempts: 1000})
	if err != nil {
		c, ok := errors.AsType[*queueconn.CorruptError](err)
		if !ok || c.File != path || connector.ClassOf(err) != connector.ClassPermanent || !strings.Contains(err.Error(), path) {
			t.Errorf("at %d: Open: %v, want a permanent CorruptError that names the file", at, err)
		}

		return false, false
	}
	defer func() { _ = q.Close() }() // a damaged page may fail it
	var got []string
	r := reader(t, q)
	r.(connector.Finisher).Finish()
	for {
		list, err := r.Read(t.Context(), 10)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("at %d: %v", at, err)
		}
		for _, m := range list {
			got = append(got, m.Value)
		}
		settle(t, r, delivered, list...)
	}
	var buried []string
	unreadable := 0
	for _, letter := range deadLetters(t, q) {
		e, ok := errors.AsType[*queueconn.RecordError](letter.Err)
		if !ok {
			buried = append(buried, letter.Value)
		} else if unreadable++; e.File != path || !strings.Contains(letter.Cause+letter.Err.Error(), path) {
			t.Errorf("at %d: dead letter %+v does not name the file", at, letter)
		}
	}
	if !within(got, live) || !within(buried, dead) || len(got)+len(buried)+unreadable != len(live)+len(dead) {
		t.Errorf("at %d: got %.20q and the dead %.20q, %d are unreadable", at, got, buried, unreadable)
	}

	return unreadable > 0, true
}

// within reports whether got is a part of want, in the same order.
func within(got, want []string) bool {
	for _, value := range got {
		i := slices.Index(want, value)
		if i < 0 {
			return false
		}
		want = want[i+1:]
	}

	return true
}
