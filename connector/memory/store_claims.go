package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Claim implements connector.Claims.
func (s *Store) Claim(ctx context.Context, key string, lease time.Duration) (claim connector.Claim, err error) {
	err = s.do(ctx, OpClaim, func(now time.Time) error {
		claim, err = s.claim(key, lease, now)

		return err
	})

	return claim, err
}

// Confirm implements connector.Claims. Confirming again what was confirmed by the same
// claim changes nothing.
func (s *Store) Confirm(ctx context.Context, ttl time.Duration, claims ...connector.Claim) error {
	return s.do(ctx, OpConfirm, func(now time.Time) error { return s.confirm(ttl, claims, now) })
}

// Release implements connector.Claims.
func (s *Store) Release(ctx context.Context, claims ...connector.Claim) error {
	return s.do(ctx, OpRelease, func(time.Time) error {
		for _, claim := range claims {
			if s.holds(claim) {
				s.claims.remove(claim.Key)
			}
		}

		return nil
	})
}

// Extend implements connector.Claims. A claim whose lease has ended can be extended as
// long as no other took the key.
func (s *Store) Extend(ctx context.Context, lease time.Duration, claims ...connector.Claim) error {
	return s.do(ctx, OpExtend, func(now time.Time) error { return s.extend(lease, claims, now) })
}

func (s *Store) claim(key string, lease time.Duration, now time.Time) (connector.Claim, error) {
	if err := connector.CheckEntry(key, nil); err != nil {
		return connector.Claim{}, fmt.Errorf("memory: claim: %w", err)
	}
	if err := checkLease(lease); err != nil {
		return connector.Claim{}, err
	}
	if _, done := s.confirmed.get(key, now); done {
		return connector.Claim{}, &connector.ConfirmedError{Key: key}
	}
	if other, taken := s.claims.get(key, now); taken {
		return connector.Claim{}, &connector.ClaimedError{Key: key, Until: other.ends}
	}
	token := s.next()
	s.claims.set(key, row[held]{value: held{token}, ends: now.Add(lease)}, now)

	return connector.Claim{Key: key, Token: token}, nil
}

func (s *Store) confirm(ttl time.Duration, claims []connector.Claim, now time.Time) error {
	if ttl < 0 {
		return connector.Permanent(fmt.Errorf("memory: confirm: ttl is %v: want 0 or more", ttl))
	}
	for _, claim := range claims {
		if !s.holds(claim) && !s.didConfirm(claim, now) {
			return fenced("confirm", claim)
		}
	}
	for _, claim := range claims {
		if !s.holds(claim) {
			continue // it was confirmed before
		}
		s.next()
		s.claims.remove(claim.Key)
		s.confirmed.set(claim.Key, row[held]{value: held{claim.Token}, ends: endOf(ttl, now)}, now)
	}

	return nil
}

func (s *Store) extend(lease time.Duration, claims []connector.Claim, now time.Time) error {
	if err := checkLease(lease); err != nil {
		return err
	}
	var err error
	for _, claim := range claims {
		if s.holds(claim) {
			s.claims.set(claim.Key, row[held]{value: held{claim.Token}, ends: now.Add(lease)}, now)
		} else {
			err = fenced("extend", claim)
		}
	}

	return err
}

// holds reports whether no later claim took the key, even if the lease has ended.
func (s *Store) holds(claim connector.Claim) bool {
	r, ok := s.claims.rows[claim.Key]

	return ok && r.value.token == claim.Token
}

func (s *Store) didConfirm(claim connector.Claim, now time.Time) bool {
	r, ok := s.confirmed.get(claim.Key, now)

	return ok && r.value.token == claim.Token
}

func checkLease(lease time.Duration) error {
	if lease > 0 {
		return nil
	}

	return connector.Permanent(fmt.Errorf("memory: the lease is %v: want more than 0", lease))
}

func fenced(what string, claim connector.Claim) error {
	return fmt.Errorf("memory: %s %q with token %d: %w", what, claim.Key, claim.Token, connector.ErrFenced)
}
