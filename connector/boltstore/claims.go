package boltstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/wallclock"
)

// sweepClaims is how many claims there are at least before the ended ones are removed.
const sweepClaims = 1024

// claims are the live claims, in memory alone: losing one only means that the key can be
// claimed again.
type claims struct {
	store *Store
	max   int

	mu   sync.Mutex
	live map[string]*liveClaim
	next int // sweep when there are as many
}

type liveClaim struct {
	token connector.Version
	until time.Time
	// confirming counts the confirmations that are being committed. They keep others away,
	// though the lease may end meanwhile.
	confirming int
}

func (c *claims) init(s *Store, most int) {
	c.store, c.max, c.next = s, most, min(sweepClaims, most)
	c.live = map[string]*liveClaim{}
}

// Claim implements connector.Claims. Claims are kept in memory and end with the process;
// tokens grow across restarts all the same. It costs no sync, but for one in 65,536.
func (s *Store) Claim(ctx context.Context, key string, lease time.Duration) (connector.Claim, error) {
	if err := errors.Join(connector.CheckEntry(key, nil), checkLease(lease)); err != nil {
		return connector.Claim{}, err
	}
	if err := s.enter(ctx); err != nil {
		return connector.Claim{}, err
	}
	defer s.running.Done()
	for {
		claim, err := s.claims.claim(key, lease)
		if !errors.Is(err, errNoVersion) {
			return claim, err
		}
		if err := s.reserveVersions(ctx); err != nil {
			return connector.Claim{}, err
		}
	}
}

func (s *Store) reserveVersions(ctx context.Context) error {
	return s.commits.do(ctx, &change{apply: func(w *writer) error {
		_, err := w.version()

		return err
	}})
}

// claim draws the token under the lock, so that of two claims of a key the later one has
// the larger token (invariant 18).
func (c *claims) claim(key string, lease time.Duration) (connector.Claim, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	held := c.live[key]
	if held != nil && (held.confirming > 0 || held.until.After(now)) {
		return connector.Claim{}, &connector.ClaimedError{Key: key, Until: held.until}
	}
	// A confirmation is committed before its claim goes away, so looking here, after the
	// live claims and under their lock, misses none.
	if err := c.unconfirmed(key); err != nil {
		return connector.Claim{}, err
	}
	if held == nil && !c.room(now) {
		return connector.Claim{}, connector.Throttled(fmt.Errorf("boltstore: %s: claim key %q: %w",
			c.store.path, key, errTooManyClaims), lease)
	}
	token, ok := c.store.versions.reserved()
	if !ok {
		return connector.Claim{}, errNoVersion
	}
	c.live[key] = &liveClaim{token: token, until: now.Add(lease)}

	return connector.Claim{Key: key, Token: token}, nil
}

func (c *claims) unconfirmed(key string) error {
	err := c.store.file.View(func(tx *bolt.Tx) error {
		_, err := c.store.live(tx.Bucket([]byte(bucketConfirmed)), bucketConfirmed, key, wallclock.Now())

		return err
	})
	switch {
	case errors.Is(err, connector.ErrNotFound):
		return nil
	case err != nil:
		return err
	default:
		return &connector.ConfirmedError{Key: key}
	}
}

// room makes sure that one more claim fits, and removes the ended ones now and then: each
// claim pays for a constant share of it.
func (c *claims) room(now time.Time) bool {
	if len(c.live) >= c.next {
		for key, l := range c.live {
			if l.confirming == 0 && !l.until.After(now) {
				delete(c.live, key)
			}
		}
		c.next = min(max(sweepClaims, 2*len(c.live)), c.max)
	}

	return len(c.live) < c.max
}

// Release implements connector.Claims.
func (s *Store) Release(ctx context.Context, claims ...connector.Claim) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.running.Done()
	c := &s.claims
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, claim := range claims {
		if l := c.live[claim.Key]; l != nil && l.token == claim.Token && l.confirming == 0 {
			delete(c.live, claim.Key)
		}
	}

	return nil
}

// Extend implements connector.Claims. A claim whose lease has ended can be extended as
// long as no other took the key.
func (s *Store) Extend(ctx context.Context, lease time.Duration, claims ...connector.Claim) error {
	if err := checkLease(lease); err != nil {
		return err
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.running.Done()
	c := &s.claims
	c.mu.Lock()
	defer c.mu.Unlock()
	until := time.Now().Add(lease)
	var errs []error
	for _, claim := range claims {
		l := c.live[claim.Key]
		if l == nil || l.token != claim.Token {
			errs = append(errs, fenced(claim))

			continue
		}
		l.until = until
	}

	return errors.Join(errs...)
}

func fenced(claim connector.Claim) error {
	return fmt.Errorf("boltstore: key %q, token %d: %w", claim.Key, claim.Token, connector.ErrFenced)
}

func checkLease(lease time.Duration) error {
	if lease <= 0 {
		return connector.Permanent(fmt.Errorf("boltstore: the lease is %s: want more than zero", lease))
	}

	return nil
}
