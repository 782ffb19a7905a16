package conntest

import (
	"errors"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// scan holds the cases of ordered iteration.
func (c storeCases) scan() {
	c.run("scan/order and bounds", "", c.scanBounds)
	c.run("scan/entries", "", c.scanEntries)
	c.run("scan/stops when told", "", c.scanBreak)
	c.run("scan/context already ended", "", c.scanEnded)
	c.run("scan/many", "", c.scanMany)
}

func (c storeCases) scanBounds(t *testing.T) {
	o := c.open(t)
	o.keys("", "")
	for _, key := range []string{"b", "a", "\xff", "ab", "a\x00", "B", "é", "\x01"} {
		o.set(key, "x")
	}
	o.keys("", "", "\x01", "B", "a", "a\x00", "ab", "b", "é", "\xff")
	o.keys("a", "b", "a", "a\x00", "ab")
	o.keys("a", "a\x00", "a")
	o.keys("aa", "c", "ab", "b")
	o.keys("b", "", "b", "é", "\xff")
	o.keys("", "a", "\x01", "B")
	o.keys("b", "b")
	o.keys("b", "a")
	o.keys("\xff\x00", "")
}

func (c storeCases) scanEntries(t *testing.T) {
	o := c.open(t)
	version := o.put("a", "one", connector.Absent, 0)
	o.put("b", "two", connector.Absent, time.Hour)
	o.put("c", "three", connector.Absent, 0)
	o.remove("c", connector.Any)
	for entry, err := range o.Scan(o.ctx, "", "") {
		if err != nil {
			t.Fatal(err)
		}
		switch entry.Key {
		case "a":
			if string(entry.Value) != "one" || entry.Version != version || !entry.Expires.IsZero() {
				t.Errorf("entry %+v", entry)
			}
		case "b":
			if string(entry.Value) != "two" || !entry.Expires.After(time.Now()) {
				t.Errorf("entry %+v", entry)
			}
		default:
			t.Errorf("entry %+v should not be there", entry)
		}
	}
}

func (c storeCases) scanBreak(t *testing.T) {
	o := c.open(t)
	o.set("a", "x")
	o.set("b", "x")
	seen := 0
	for _, err := range o.Scan(o.ctx, "", "") {
		if err != nil {
			t.Fatal(err)
		}
		seen++

		break
	}
	if seen != 1 {
		t.Errorf("%d entries", seen)
	}
	o.set("c", "x") // nothing is locked
	o.keys("", "", "a", "b", "c")
}

func (c storeCases) scanEnded(t *testing.T) {
	o := c.open(t)
	o.set("a", "x")
	var failed error
	for _, err := range o.Scan(ended(t), "", "") {
		if failed != nil {
			t.Fatal("Scan went on after an error")
		}
		failed = err
	}
	if failed == nil {
		t.Error("Scan of an ended context gave no error")
	}
}

// scanMany goes past any page of the store's.
func (c storeCases) scanMany(t *testing.T) {
	o := c.open(t)
	const n = 1500
	key := func(i int) string { return string([]byte{'k', byte(i >> 8), byte(i)}) }
	o.update(func(tx shelf) error {
		for i := range n {
			tx.set(key(i), "x")
		}

		return nil
	})
	seen := 0
	for entry, err := range o.Scan(o.ctx, "k", "l") {
		if err != nil {
			t.Fatal(err)
		}
		if entry.Key != key(seen) {
			t.Fatalf("entry %d has key %q, want %q", seen, entry.Key, key(seen))
		}
		seen++
	}
	if seen != n {
		t.Errorf("%d entries, want %d", seen, n)
	}
}

// limits holds the cases at a bound and one byte beyond it.
func (c storeCases) limits() {
	c.run("limit/key", "", func(t *testing.T) {
		o := c.open(t)
		longest := string(make([]byte, connector.MaxKey))
		o.set(longest, "x")
		o.release(o.claim(longest, time.Hour))
		c.overLimit(t, o, longest+"x", nil, "key")
	})
	c.run("limit/value", "", func(t *testing.T) {
		o := c.open(t)
		largest := string(make([]byte, connector.MaxValue))
		o.set("a", largest)
		o.is("a", largest)
		c.overLimit(t, o, "a", []byte(largest+"x"), "value")
		o.is("a", largest)
	})
	c.run("limit/empty key", "", func(t *testing.T) {
		o := c.open(t)
		_, put := o.Put(o.ctx, "", nil, connector.Any, 0)
		_, claim := o.store.Claim(o.ctx, "", time.Hour)
		for name, err := range map[string]error{"Put": put, "Claim": claim} {
			if connector.ClassOf(err) != connector.ClassPermanent {
				t.Errorf("%s: error %v, want a permanent one", name, err)
			}
		}
	})
}

func (c storeCases) overLimit(t *testing.T, o safe, key string, value []byte, what string) {
	t.Helper()
	_, put := o.Put(o.ctx, key, value, connector.Any, 0)
	errs := map[string]error{"Put": put, "Update": o.tryUpdate(func(tx shelf) error {
		_, err := tx.Put(o.ctx, key, value, connector.Any, 0)

		return err
	})}
	if len(value) == 0 {
		_, errs["Claim"] = o.store.Claim(o.ctx, key, time.Hour)
	}
	for name, err := range errs {
		limit, ok := errors.AsType[*connector.LimitError](err)
		if !ok || limit.What != what || connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("%s: error %v, want a permanent LimitError of the %s", name, err, what)
		}
	}
}
