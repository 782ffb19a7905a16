package fileconn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// keep starts to renew claims, once; d.mu is held.
func (d *desk) keep() {
	if d.stop != nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	d.stop, d.extended = stop, time.Now()
	d.keeper.Go(func() {
		ticker := time.NewTicker(max(d.config.Lease/3, time.Millisecond))
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				// A store that fails may work next time; check asks before the lease is over.
				_ = d.extend(ctx)
			case <-ctx.Done():
				return
			}
		}
	})
}

// extend renews all claims.
func (d *desk) extend(ctx context.Context) error {
	d.mu.Lock()
	claims := make([]connector.Claim, 0, len(d.taken))
	for _, t := range d.taken {
		claims = append(claims, t.claim)
	}
	d.mu.Unlock()
	began := time.Now()
	var err error
	if len(claims) > 0 {
		err = d.config.Store.Extend(ctx, d.config.Lease, claims...)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil:
		d.extended = began
	case errors.Is(err, connector.ErrFenced) && d.stillHolds(claims):
		d.lost = connector.Permanent(fmt.Errorf("a file was taken over while this reader was held up for longer than its lease of %v: %w", d.config.Lease, err))
	}

	return err
}

// stillHolds reports whether none of the claims was given up meanwhile, in which case
// that is why the store does not know it; d.mu is held.
func (d *desk) stillHolds(claims []connector.Claim) bool {
	held := make(map[connector.Claim]bool, len(d.taken))
	for _, t := range d.taken {
		held[t.claim] = true
	}
	for _, claim := range claims {
		if !held[claim] {
			return false
		}
	}

	return true
}

// check returns an error when a claim was lost. After a pause that was longer than the
// lease it asks the store before anything else happens.
func (d *desk) check(ctx context.Context) error {
	d.mu.Lock()
	lost, late := d.lost, d.stop != nil && time.Since(d.extended) > d.config.Lease
	d.mu.Unlock()
	if lost != nil || !late {
		return lost
	}
	err := d.extend(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lost != nil {
		return d.lost
	}
	if err != nil && !errors.Is(err, connector.ErrFenced) {
		return fmt.Errorf("renew the claims: %w", err)
	}

	return nil
}

// close stops renewing and gives back what is not done.
func (d *desk) close() error {
	d.mu.Lock()
	stop := d.stop
	d.mu.Unlock()
	if stop == nil {
		return nil
	}
	stop()
	d.keeper.Wait()
	claims := make([]connector.Claim, 0, len(d.taken))
	for _, t := range d.taken {
		claims = append(claims, t.claim)
	}
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := d.config.Store.Release(ctx, claims...); err != nil {
		return fmt.Errorf("release the files that are not done: %w", err)
	}

	return nil
}
