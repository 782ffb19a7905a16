package boltstore

import (
	"errors"
	"fmt"
	"time"
)

const (
	defaultLockWait  = time.Second
	defaultMaxClaims = 100_000
)

// Config sets the bounds of a Store. The zero Config is ready to use.
type Config struct {
	// LockWait is how long Open waits for a file that is open elsewhere. Default 1 s.
	LockWait time.Duration
	// MaxClaims is how many claims may be live at one time; the next Claim gets a
	// throttled error that asks to wait for the length of its lease. A live claim takes about 100 bytes of memory and
	// its key. Default 100,000.
	MaxClaims int
}

func (c Config) withDefaults() (Config, error) {
	var errs []error
	if c.LockWait < 0 {
		errs = append(errs, fmt.Errorf("LockWait is %s: want zero for %s, or more", c.LockWait, defaultLockWait))
	}
	if c.MaxClaims < 0 {
		errs = append(errs, fmt.Errorf("MaxClaims is %d: want zero for %d, or more", c.MaxClaims, defaultMaxClaims))
	}
	if c.LockWait == 0 {
		c.LockWait = defaultLockWait
	}
	if c.MaxClaims == 0 {
		c.MaxClaims = defaultMaxClaims
	}

	return c, errors.Join(errs...)
}
