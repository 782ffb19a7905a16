package conntest

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// close holds the cases of a store that can be closed.
func (c storeCases) close() {
	missing := unless(c.closer, "the store is no io.Closer")
	c.run("close/refuses what comes later", missing, c.closed)
	c.run("close/no goroutine is left", missing, func(t *testing.T) {
		c.steady(t, func() {
			o := c.open(t)
			o.set("a", "one")
			o.confirm(0, o.claim("k", time.Hour))
			o.shut()
		})
	})
	if missing == "" {
		missing = unless(c.h.Reopen != nil, "the store does not outlive the process")
	}
	c.run("close/while it is written to", missing, c.closeWriting)
}

func (o safe) shut() {
	o.t.Helper()
	closer, ok := o.store.(io.Closer)
	if !ok {
		o.t.Fatal("the store is no io.Closer any more")
	}
	if err := closer.Close(); err != nil {
		o.t.Errorf("Close: %v", err)
	}
}

func (c storeCases) closed(t *testing.T) {
	o := c.open(t)
	o.set("a", "one")
	claim := o.claim("k", time.Hour)
	o.shut()
	o.shut() // does no harm
	for name, call := range map[string]func(ctx context.Context) error{
		"Get": func(ctx context.Context) error { _, err := o.Get(ctx, "a"); return err },
		"Put": func(ctx context.Context) error {
			_, err := o.Put(ctx, "a", []byte("two"), connector.Any, 0)

			return err
		},
		"Delete": func(ctx context.Context) error { return o.Delete(ctx, "a", connector.Any) },
		"Update": func(ctx context.Context) error {
			return o.store.Update(ctx, func(connector.KV) error { return nil })
		},
		"Claim":   func(ctx context.Context) error { _, err := o.store.Claim(ctx, "l", time.Hour); return err },
		"Confirm": func(ctx context.Context) error { return o.store.Confirm(ctx, 0, claim) },
		"Extend":  func(ctx context.Context) error { return o.store.Extend(ctx, time.Hour, claim) },
		"Scan": func(ctx context.Context) error {
			for _, err := range o.Scan(ctx, "", "") {
				return err
			}

			return nil
		},
	} {
		if err := call(c.context(t)); err == nil {
			t.Errorf("%s succeeded although the store is closed", name)
		}
	}
}

// closeWriting closes the store between the changes of several writers: what succeeded is
// there.
func (c storeCases) closeWriting(t *testing.T) {
	const writers, before, most = 3, 6, 40
	o := c.open(t)
	var kept sync.Map
	var count atomic.Int32
	var wg sync.WaitGroup
	enough := make(chan struct{})
	for w := range writers {
		wg.Go(func() {
			for i := range most {
				key := fmt.Sprint(w, "-", i)
				if _, err := o.Put(o.ctx, key, []byte("x"), connector.Absent, 0); err != nil {
					return
				}
				kept.Store(key, true)
				if count.Add(1) == before {
					close(enough)
				}
			}
		})
	}
	<-enough
	o.shut()
	wg.Wait()
	again := c.wrap(t, c.h.Reopen(t, o.store))
	kept.Range(func(key, _ any) bool {
		again.is(key.(string), "x")

		return true
	})
}
