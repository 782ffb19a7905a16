package queueconn

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	defaultMemoryMessages  = 10_000
	defaultDurableMessages = 1_000_000
	defaultMaxBody         = 1 << 20
	defaultMaxHeaders      = 16 << 10
	defaultMaxAttempts     = 10
	defaultLease           = 30 * time.Second
	defaultLockWait        = time.Second
)

// Config sets the name and the bounds of a Queue. The zero Config is ready to use.
type Config struct {
	// Name is the Partition of every Position, and the queue's name in errors and
	// metrics. Default "memory", or the base name of the file.
	Name string
	// MaxMessages is how many messages the queue holds, dead letters included. Write waits
	// while it is full. Default 10,000 in memory, 1,000,000 on disk.
	MaxMessages int
	// MaxBody is the most bytes of one encoded value on disk; the queue in memory does not
	// encode, and has no such bound. Default 1 MiB.
	MaxBody int
	// MaxHeaders is the most bytes of one message's ID, key and headers, names included.
	// Default 16 KiB.
	MaxHeaders int
	// MaxAttempts is how often a message is handed out before it becomes a dead letter.
	// Deliveries that ended with the process or the lease count too; give more where the
	// process is killed often while it works, as in a test that does so. Default 10.
	MaxAttempts int
	// Lease is how long a message stays with its reader unless it is extended. Default 30 s.
	Lease time.Duration
	// LockWait is how long Open waits for a file that is open elsewhere. Default 1 s.
	LockWait time.Duration
}

func (c Config) withDefaults(name string, messages int) (Config, error) {
	var errs []error
	for _, n := range []struct {
		field    string
		value    *int
		standard int
	}{
		{"MaxMessages", &c.MaxMessages, messages},
		{"MaxBody", &c.MaxBody, defaultMaxBody},
		{"MaxHeaders", &c.MaxHeaders, defaultMaxHeaders},
		{"MaxAttempts", &c.MaxAttempts, defaultMaxAttempts},
	} {
		errs = append(errs, fill(n.field, n.value, n.standard))
	}
	errs = append(errs, fill("Lease", &c.Lease, defaultLease), fill("LockWait", &c.LockWait, defaultLockWait))
	if c.Name == "" {
		c.Name = name
	}
	if strings.ContainsFunc(c.Name, func(r rune) bool { return r < ' ' }) {
		errs = append(errs, fmt.Errorf("field Name is %q: want no control characters", c.Name))
	}

	return c, errors.Join(errs...)
}

// fill puts the default in place of zero and refuses what is negative.
func fill[N int | time.Duration](field string, value *N, standard N) error {
	if *value < 0 {
		return fmt.Errorf("%s is %v: want zero for %v, or more", field, *value, standard)
	}
	if *value == 0 {
		*value = standard
	}

	return nil
}
