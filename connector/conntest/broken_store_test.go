package conntest_test

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/memory"
)

func storeTest(wrap func(s connector.Store) connector.Store) func(*testing.T) {
	return func(t *testing.T) {
		conntest.TestStore(t, conntest.StoreHarness{
			New:     func(testing.TB) connector.Store { return wrap(memory.NewStore()) },
			Reopen:  func(_ testing.TB, store connector.Store) connector.Store { return store },
			Virtual: true,
		})
	}
}

func brokenStores() map[string]broken {
	return map[string]broken{
		"puts blindly":         {storeTest(func(s connector.Store) connector.Store { return blindPut{s} }), failed("kv/put compares versions")},
		"deletes blindly":      {storeTest(func(s connector.Store) connector.Store { return blindDelete{s} }), failed("kv/delete compares versions")},
		"shares its values":    {storeTest(sharing), failed("kv/values are copied")},
		"scans to the end":     {storeTest(func(s connector.Store) connector.Store { return greedy{s} }), failed("scan/order and bounds")},
		"keeps for ever":       {storeTest(func(s connector.Store) connector.Store { return timeless{s} }), failed("ttl/vanishes")},
		"takes any size":       {storeTest(func(s connector.Store) connector.Store { return boundless{s} }), failed("limit/value")},
		"does not roll back":   {storeTest(func(s connector.Store) connector.Store { return direct{s} }), failed("update/all or nothing")},
		"ignores the context":  {storeTest(func(s connector.Store) connector.Store { return unmoved{s} }), failed("kv/context already ended")},
		"claims for ever":      {storeTest(func(s connector.Store) connector.Store { return sticky{s} }), failed("claim/lease ends")},
		"confirms the lost":    {storeTest(func(s connector.Store) connector.Store { return trusting{s} }), failed("fence/confirm")},
		"says nothing of loss": {storeTest(func(s connector.Store) connector.Store { return silent{s} }), failed("fence/extend")},
		"confirms for ever":    {storeTest(func(s connector.Store) connector.Store { return final{s} }), failed("claim/confirmed for a time")},
		"repeats tokens":       {storeTest(func(s connector.Store) connector.Store { return constant{s} }), failed("fence/tokens grow")},
		"works on when it is closed": {boltTest(true, func(s *bolt) { s.close = func() error { return nil } }),
			failed("close/refuses what comes later")},
		"loses some of many": {boltTest(true, func(s *bolt) {
			s.put = func(ctx context.Context, key string, value []byte, expect connector.Version, ttl time.Duration) (connector.Version, error) {
				if strings.HasSuffix(key, "-1") {
					return 1, nil
				}

				return s.Store.Put(ctx, key, value, expect, ttl)
			}
		}), failed("close/while it is written to")},
		"leaves goroutines": {boltTest(false, func(s *bolt) {
			s.close = func() error {
				go func() { select {} }()

				return s.Store.Close()
			}
		}), failed("close/no goroutine is left")},
		"forgets on a halt": {func(t *testing.T) {
			conntest.TestStore(t, conntest.StoreHarness{
				New:     func(testing.TB) connector.Store { return memory.NewStore() },
				Reopen:  func(testing.TB, connector.Store) connector.Store { return memory.NewStore() },
				Virtual: true,
			})
		}, failed("reopen/nothing is lost")},
	}
}

// bolt is a boltstore.Store with one defect.
type bolt struct {
	*boltstore.Store

	put   func(ctx context.Context, key string, value []byte, expect connector.Version, ttl time.Duration) (connector.Version, error)
	close func() error
}

func (s *bolt) Put(ctx context.Context, key string, value []byte, expect connector.Version, ttl time.Duration) (connector.Version, error) {
	return s.put(ctx, key, value, expect, ttl)
}

func (s *bolt) Close() error { return s.close() }

func boltTest(virtual bool, spoil func(s *bolt)) func(*testing.T) {
	return func(t *testing.T) {
		var paths sync.Map
		start := func(t testing.TB, path string) connector.Store {
			inner, err := boltstore.Open(path, boltstore.Config{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = inner.Close() })
			s := &bolt{Store: inner, put: inner.Put, close: inner.Close}
			spoil(s)
			paths.Store(s, path)

			return s
		}
		conntest.TestStore(t, conntest.StoreHarness{
			New: func(t testing.TB) connector.Store { return start(t, filepath.Join(t.TempDir(), "s")) },
			Reopen: func(t testing.TB, old connector.Store) connector.Store {
				path, _ := paths.Load(old)
				if err := old.(*bolt).Store.Close(); err != nil {
					t.Fatal(err)
				}

				return start(t, path.(string))
			},
			Virtual: virtual, Wait: time.Second,
		})
	}
}

// TestStoreThatWorks shows that the store is right but for its defect.
func TestStoreThatWorks(t *testing.T) { boltTest(true, func(*bolt) {})(t) }

type blindPut struct{ connector.Store }

func (s blindPut) Put(
	ctx context.Context, key string, value []byte, _ connector.Version, ttl time.Duration,
) (connector.Version, error) {
	return s.Store.Put(ctx, key, value, connector.Any, ttl)
}

type blindDelete struct{ connector.Store }

func (s blindDelete) Delete(ctx context.Context, key string, _ connector.Version) error {
	return s.Store.Delete(ctx, key, connector.Any)
}

type shared struct {
	connector.Store

	last map[string]connector.Entry
}

func sharing(s connector.Store) connector.Store { return shared{s, map[string]connector.Entry{}} }

func (s shared) Get(ctx context.Context, key string) (connector.Entry, error) {
	entry, err := s.Store.Get(ctx, key)
	if last, ok := s.last[key]; ok && last.Version == entry.Version {
		return last, err
	}
	if key == "a" && string(entry.Value) == "value" { // what the case uses; the rest stays concurrent
		s.last[key] = entry
	}

	return entry, err
}

type greedy struct{ connector.Store }

func (s greedy) Scan(ctx context.Context, from, _ string) iter.Seq2[connector.Entry, error] {
	return s.Store.Scan(ctx, from, "")
}

type timeless struct{ connector.Store }

func (s timeless) Put(
	ctx context.Context, key string, value []byte, expect connector.Version, _ time.Duration,
) (connector.Version, error) {
	return s.Store.Put(ctx, key, value, expect, 0)
}

type boundless struct{ connector.Store }

func (s boundless) Put(
	ctx context.Context, key string, value []byte, expect connector.Version, ttl time.Duration,
) (connector.Version, error) {
	return s.Store.Put(ctx, key, value[:min(len(value), connector.MaxValue)], expect, ttl)
}

type direct struct{ connector.Store }

func (s direct) Update(_ context.Context, fn func(tx connector.KV) error) error { return fn(s.Store) }

type unmoved struct{ connector.Store }

func (s unmoved) Delete(ctx context.Context, key string, expect connector.Version) error {
	return s.Store.Delete(context.WithoutCancel(ctx), key, expect)
}

type sticky struct{ connector.Store }

func (s sticky) Claim(ctx context.Context, key string, _ time.Duration) (connector.Claim, error) {
	return s.Store.Claim(ctx, key, 1000*time.Hour)
}

type trusting struct{ connector.Store }

func (s trusting) Confirm(ctx context.Context, ttl time.Duration, claims ...connector.Claim) error {
	for _, claim := range claims {
		if err := s.Store.Confirm(ctx, ttl, claim); err != nil && !errors.Is(err, connector.ErrFenced) {
			return err
		}
	}

	return nil
}

type silent struct{ connector.Store }

func (s silent) Extend(ctx context.Context, lease time.Duration, claims ...connector.Claim) error {
	if err := s.Store.Extend(ctx, lease, claims...); !errors.Is(err, connector.ErrFenced) {
		return err
	}

	return nil
}

type final struct{ connector.Store }

func (s final) Confirm(ctx context.Context, _ time.Duration, claims ...connector.Claim) error {
	return s.Store.Confirm(ctx, 0, claims...)
}

type constant struct{ connector.Store }

func (s constant) Claim(ctx context.Context, key string, lease time.Duration) (connector.Claim, error) {
	claim, err := s.Store.Claim(ctx, key, lease)
	claim.Token = 1

	return claim, err
}
