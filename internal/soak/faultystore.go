package main

import (
	"context"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// faultyStore fails to confirm, before or after it has done it, and to update. excuse
// learns of each key that can pass twice for it.
type faultyStore struct {
	connector.Store

	dice   *dice
	name   string
	excuse func(key string)
}

// Describe passes on what the store declares.
func (s *faultyStore) Describe() connector.Capabilities { return connector.Describe(s.Store) }

// Confirm implements connector.Claims.
func (s *faultyStore) Confirm(ctx context.Context, ttl time.Duration, claims ...connector.Claim) error {
	if s.dice.fault(s.name+": does not confirm", 200) {
		for _, c := range claims {
			s.excuse(c.Key)
		}

		return transient()
	}
	if err := s.Store.Confirm(ctx, ttl, claims...); err != nil {
		return err
	}
	if s.dice.fault(s.name+": confirms and reports failure", 200) {
		return connector.Ambiguous(errFault)
	}

	return nil
}

// Update implements connector.Store.
func (s *faultyStore) Update(ctx context.Context, fn func(tx connector.KV) error) error {
	if s.dice.fault(s.name+": does not update", 3000) {
		return transient()
	}

	return s.Store.Update(ctx, fn)
}
