package flowtest

import (
	"context"
	"iter"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
)

// SimStore is a store of a [World]. Its entries, claims and confirmations outlive a crash
// of the process.
type SimStore struct {
	vault *vault
	life  *life
}

// vault is what a store keeps, over all lives.
type vault struct {
	label string
	inner *memory.Store
}

// Store returns the store of the name.
func (w *World) Store(name string) *SimStore {
	v := find(w, name, func() *vault { return &vault{label: name, inner: memory.NewStore()} })

	return &SimStore{vault: v, life: w.life}
}

// Describe implements connector.Describer.
func (s *SimStore) Describe() connector.Capabilities {
	return connector.Capabilities{Name: s.vault.label, Durable: true}
}

func (s *SimStore) do(
	ctx context.Context, op string, allow faultSet, what string, work func(ctx context.Context, e *effect) error,
) error {
	// A driver that has begun does not look at the context again.
	inner := context.WithoutCancel(ctx)

	return s.life.do(effect{
		ctx: ctx, name: s.vault.label + "." + op, allow: allow, what: func() string { return what },
	}, func(e *effect) error { return work(inner, e) })
}

// reading is what may happen to an effect that changes nothing.
const reading = anywhere | Failing

// Get implements connector.KV.
func (s *SimStore) Get(ctx context.Context, key string) (entry connector.Entry, err error) {
	err = s.do(ctx, "Get", reading, key, func(ctx context.Context, _ *effect) (err error) {
		entry, err = s.vault.inner.Get(ctx, key)

		return err
	})

	return entry, err
}

// Put implements connector.KV.
func (s *SimStore) Put(
	ctx context.Context, key string, value []byte, expect connector.Version, ttl time.Duration,
) (version connector.Version, err error) {
	err = s.do(ctx, "Put", fallible, key, func(ctx context.Context, _ *effect) (err error) {
		version, err = s.vault.inner.Put(ctx, key, value, expect, ttl)

		return err
	})

	return version, err
}

// Delete implements connector.KV.
func (s *SimStore) Delete(ctx context.Context, key string, expect connector.Version) error {
	return s.do(ctx, "Delete", fallible, key, func(ctx context.Context, _ *effect) error {
		return s.vault.inner.Delete(ctx, key, expect)
	})
}

// Scan implements connector.KV.
func (s *SimStore) Scan(ctx context.Context, from, to string) iter.Seq2[connector.Entry, error] {
	return func(yield func(connector.Entry, error) bool) {
		var entries []connector.Entry
		err := s.do(ctx, "Scan", reading, from, func(ctx context.Context, _ *effect) error {
			for e, err := range s.vault.inner.Scan(ctx, from, to) {
				if err != nil {
					return err
				}
				entries = append(entries, e)
			}

			return nil
		})
		if err != nil {
			yield(connector.Entry{}, err)

			return
		}
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Update implements connector.Store.
func (s *SimStore) Update(ctx context.Context, fn func(tx connector.KV) error) error {
	return s.do(ctx, "Update", fallible, "", func(ctx context.Context, _ *effect) error {
		return s.vault.inner.Update(ctx, fn)
	})
}

// Claim implements connector.Claims.
func (s *SimStore) Claim(ctx context.Context, key string, lease time.Duration) (claim connector.Claim, err error) {
	err = s.do(ctx, "Claim", fallible|ClockSkew, key, func(ctx context.Context, e *effect) (err error) {
		claim, err = s.vault.inner.Claim(ctx, key, e.skewed(lease))

		return err
	})

	return claim, err
}

// skewed returns a lease as a store sees it whose clock jumps.
func (e *effect) skewed(lease time.Duration) time.Duration {
	switch {
	case e.fate.fault != ClockSkew:
		return lease
	case e.fate.done:
		return 1
	default:
		return 10 * lease
	}
}

// Confirm implements connector.Claims.
func (s *SimStore) Confirm(ctx context.Context, ttl time.Duration, claims ...connector.Claim) error {
	return s.do(ctx, "Confirm", fallible, keys(claims), func(ctx context.Context, _ *effect) error {
		return s.vault.inner.Confirm(ctx, ttl, claims...)
	})
}

// Release implements connector.Claims.
func (s *SimStore) Release(ctx context.Context, claims ...connector.Claim) error {
	return s.do(ctx, "Release", fallible, keys(claims), func(ctx context.Context, _ *effect) error {
		return s.vault.inner.Release(ctx, claims...)
	})
}

// Extend implements connector.Claims.
func (s *SimStore) Extend(ctx context.Context, lease time.Duration, claims ...connector.Claim) error {
	return s.do(ctx, "Extend", fallible|ClockSkew, "", func(ctx context.Context, e *effect) error {
		return s.vault.inner.Extend(ctx, e.skewed(lease), claims...)
	})
}

func keys(claims []connector.Claim) string {
	text := ""
	for _, c := range claims {
		text += c.Key + " "
	}

	return text
}

func (v *vault) name() string         { return v.label }
func (v *vault) done() bool           { return true }
func (v *vault) unfinished() string   { return "" }
func (v *vault) restart()             {}
func (v *vault) check(*World) []error { return nil }
