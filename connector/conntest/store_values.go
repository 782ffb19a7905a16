package conntest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// values holds the cases of single entries.
func (c storeCases) values() {
	c.run("kv/put and get", "", c.putAndGet)
	c.run("kv/values are copied", "", c.copies)
	c.run("kv/put compares versions", "", c.putCompares)
	c.run("kv/delete compares versions", "", c.deleteCompares)
	c.run("kv/versions grow", "", c.versions)
	c.run("kv/context already ended", "", c.valuesEnded)
	c.run("kv/one creates", "", c.oneCreates)
	c.run("kv/compare-and-set counts", "", c.count)
}

func (c storeCases) putAndGet(t *testing.T) {
	o := c.open(t)
	o.absent("a")
	version := o.put("a", "one", connector.Absent, 0)
	if entry := o.is("a", "one"); entry.Version != version || !entry.Expires.IsZero() {
		t.Errorf("entry %+v, want version %d that never expires", entry, version)
	}
	for _, key := range []string{"\x00", "a\x00", "a/b:c", "é", "\xff\xfe", strings.Repeat("k", connector.MaxKey)} {
		o.absent(key)
		o.set(key, key+"\x00\xff")
		o.is(key, key+"\x00\xff")
	}
	o.set("empty", "")
	o.is("empty", "")
	o.is("a", "one")
}

func (c storeCases) copies(t *testing.T) {
	o := c.open(t)
	given := []byte("value")
	if _, err := o.Put(o.ctx, "a", given, connector.Absent, 0); err != nil {
		t.Fatal(err)
	}
	clear(given)
	clear(o.is("a", "value").Value)
	o.is("a", "value")
}

func (c storeCases) putCompares(t *testing.T) {
	o := c.open(t)
	refused := func(key string, expect connector.Version) {
		t.Helper()
		_, err := o.Put(o.ctx, key, []byte("wrong"), expect, 0)
		o.conflict(err)
	}
	refused("a", 1)
	o.absent("a")
	first := o.put("a", "one", connector.Absent, 0)
	refused("a", connector.Absent)
	refused("a", first+1)
	o.is("a", "one")
	second := o.put("a", "two", first, 0)
	refused("a", first)
	o.is("a", "two")
	o.put("a", "three", connector.Any, 0)
	refused("a", second)
	o.put("b", "new", connector.Any, 0)
	o.is("a", "three")
	o.is("b", "new")
}

func (c storeCases) deleteCompares(t *testing.T) {
	o := c.open(t)
	o.remove("a", connector.Any)
	o.conflict(o.Delete(o.ctx, "a", 1))
	version := o.set("a", "one")
	o.conflict(o.Delete(o.ctx, "a", connector.Absent))
	o.conflict(o.Delete(o.ctx, "a", version+1))
	o.is("a", "one")
	o.remove("a", version)
	o.absent("a")
	o.conflict(o.Delete(o.ctx, "a", version))
	o.set("a", "two")
	o.conflict(o.Delete(o.ctx, "a", version))
	o.is("a", "two")
	o.remove("a", connector.Any)
	o.absent("a")
}

func (c storeCases) versions(t *testing.T) {
	o := c.open(t)
	last := connector.Version(0)
	grows := func(v connector.Version) {
		t.Helper()
		if v <= last {
			t.Errorf("version %d follows %d", v, last)
		}
		last = v
	}
	for range 3 {
		grows(o.set("a", "x"))
		grows(o.set("b", "x"))
		o.remove("a", connector.Any)
		o.update(func(tx shelf) error {
			grows(tx.set("c", "x"))
			grows(tx.set("d", "x"))

			return nil
		})
		grows(o.claim("k", c.unit()).Token)
		o.release(connector.Claim{Key: "k", Token: last})
	}
}

func (c storeCases) valuesEnded(t *testing.T) {
	o := c.open(t)
	version := o.set("a", "one")
	changed := false
	for name, change := range map[string]func(ctx context.Context) error{
		"Put": func(ctx context.Context) error {
			_, err := o.Put(ctx, "a", []byte("two"), connector.Any, 0)

			return err
		},
		"Delete": func(ctx context.Context) error { return o.Delete(ctx, "a", version) },
		"Update": func(ctx context.Context) error {
			return o.store.Update(ctx, func(tx connector.KV) error { return tx.Delete(ctx, "a", connector.Any) })
		},
	} {
		err := change(ended(t))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want the context's", name, err)
		}
		changed = changed || connector.ClassOf(err) == connector.ClassAmbiguous
	}
	if !changed {
		o.is("a", "one")
	}
	if _, err := o.store.Claim(ended(t), "k", time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("Claim: error %v, want the context's", err)
	}
}

func (c storeCases) oneCreates(t *testing.T) {
	o := c.open(t)
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			_, err := o.Put(o.ctx, "a", []byte("x"), connector.Absent, 0)
			if err == nil {
				won.Add(1)
			} else {
				o.conflict(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d writers created the entry", won.Load())
	}
}

func (c storeCases) count(t *testing.T) {
	o := c.open(t)
	o.set("n", "")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				o.increment()
			}
		})
	}
	wg.Wait()
	o.is("n", strings.Repeat("+", 20))
}

// increment adds one by compare-and-set. It may run on any goroutine.
func (o shelf) increment() {
	for {
		entry, err := o.Get(o.ctx, "n")
		if err == nil {
			_, err = o.Put(o.ctx, "n", append(entry.Value, '+'), entry.Version, 0)
		}
		if !errors.Is(err, connector.ErrConflict) {
			if err != nil {
				o.t.Errorf("increment: %v", err)
			}

			return
		}
	}
}
