package boltstore

import (
	"context"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/wallclock"
)

// Confirm implements connector.Claims: one transaction, synced before it returns. A claim
// whose lease has ended can be confirmed as long as no other took the key; one that ended
// long ago may be forgotten, and then counts as lost. Confirming again what was confirmed
// with the same token does nothing.
func (s *Store) Confirm(ctx context.Context, ttl time.Duration, claims ...connector.Claim) error {
	if err := checkTTL(ttl); err != nil {
		return err
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.running.Done()
	held, err := s.claims.hold(claims)
	if err != nil {
		return err
	}
	if len(held) > 0 {
		err = s.commits.do(ctx, &change{apply: func(w *writer) error { return w.confirm(held, ttl) }})
	}
	s.claims.settle(held, err == nil)

	return err
}

// hold protects the claims from being taken over. It returns those that are not yet
// confirmed, or an error, and then it holds none.
func (c *claims) hold(claims []connector.Claim) ([]connector.Claim, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := make([]connector.Claim, 0, len(claims))
	for _, claim := range claims {
		l := c.live[claim.Key]
		if l != nil && l.token == claim.Token {
			l.confirming++
			held = append(held, claim)

			continue
		}
		if err := c.confirmedBefore(claim); err != nil {
			c.unhold(held, false)

			return nil, err
		}
	}

	return held, nil
}

// confirmedBefore returns nil if the claim itself was confirmed, and else that it was lost.
func (c *claims) confirmedBefore(claim connector.Claim) error {
	if claim.Key == "" {
		return fenced(claim)
	}

	return c.store.file.View(func(tx *bolt.Tx) error {
		r, err := c.store.live(tx.Bucket([]byte(bucketConfirmed)), bucketConfirmed, claim.Key, wallclock.Now())
		if err != nil || r.version != claim.Token {
			return fenced(claim)
		}

		return nil
	})
}

func (c *claims) settle(held []connector.Claim, confirmed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unhold(held, confirmed)
}

func (c *claims) unhold(held []connector.Claim, confirmed bool) {
	for _, claim := range held {
		l := c.live[claim.Key]
		if l == nil || l.token != claim.Token {
			continue // the claim was given twice
		}
		l.confirming--
		if confirmed {
			delete(c.live, claim.Key)
		}
	}
}

func (w *writer) confirm(claims []connector.Claim, ttl time.Duration) error {
	for _, claim := range claims {
		r := record{expires: endOfLife(w.now, ttl), version: claim.Token}
		if err := w.set(bucketConfirmed, claim.Key, w.confirmation(claim.Key), r); err != nil {
			return err
		}
	}

	return nil
}

// confirmation returns an earlier confirmation of the key, which has expired by now, or nil.
func (w *writer) confirmation(key string) *record {
	r, err := decode(bucketConfirmed, key, w.confirmed.Get([]byte(key)))
	if err != nil {
		return nil
	}

	return &r
}
