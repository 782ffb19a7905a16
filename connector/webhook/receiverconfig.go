package webhook

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
)

// ReceiverConfig says whose webhooks a [Receiver] takes.
type ReceiverConfig struct {
	// Name tells this sender's ids apart from those of other senders in the same store;
	// required, at most 200 bytes. Receivers with the same name and store share what was
	// served.
	Name string
	// Keys are the ones whose signatures are good; required. During a rotation they are
	// the old one and the new one.
	Keys []Key
	// Store remembers what was served; required. One that is in memory forgets with the
	// process.
	Store connector.Store
	// Tolerance is how far the time of a webhook may be from the time here, in both
	// directions; default 5 min.
	Tolerance time.Duration
	// Remember is how long an id counts as served; default 96 h, which is longer than the
	// schedule of the specification. It must be at least twice the Tolerance, or a replay
	// could be served.
	Remember time.Duration
	// Lease is how long a webhook that was begun and not answered keeps its id; default
	// 2 min. It should be longer than the handler's own timeout.
	Lease time.Duration
	// MaxBody is the most bytes of a body; default 1 MiB. A longer one is answered 413.
	MaxBody int
	// Timeout bounds the reading of the body, and each access to the store after the
	// answer; default 10 s. A slower body is answered 408.
	Timeout time.Duration
	// OnError gets every request that the Receiver answers itself with an error, and a
	// record that failed. It may run concurrently. Default none.
	OnError func(ctx context.Context, failure httpconn.Failure)
}

const (
	defaultRemember = 96 * time.Hour
	defaultLease    = 2 * time.Minute
	defaultBody     = 1 << 20
	defaultTimeout  = 10 * time.Second
	maxName         = 200
)

func (c *ReceiverConfig) complete() error {
	var errs []error
	if c.Name == "" || len(c.Name) > maxName {
		errs = append(errs, fmt.Errorf("ReceiverConfig.Name has %d bytes: want 1 to %d", len(c.Name), maxName))
	}
	if c.Store == nil {
		errs = append(errs, errors.New("ReceiverConfig.Store is nil: without one a replay would be served"))
	}
	if len(c.Keys) == 0 {
		errs = append(errs, errors.New("ReceiverConfig.Keys is empty"))
	}
	for i, key := range c.Keys {
		if !key.verifies() {
			errs = append(errs, fmt.Errorf("ReceiverConfig.Keys[%d] is the zero Key: use ParseKey", i))
		}
	}
	errs = append(errs,
		setBound("ReceiverConfig.Tolerance", &c.Tolerance, DefaultTolerance),
		setBound("ReceiverConfig.Remember", &c.Remember, defaultRemember),
		setBound("ReceiverConfig.Lease", &c.Lease, defaultLease),
		setBound("ReceiverConfig.MaxBody", &c.MaxBody, defaultBody),
		setBound("ReceiverConfig.Timeout", &c.Timeout, defaultTimeout))
	if c.Remember < 2*c.Tolerance {
		errs = append(errs, fmt.Errorf("ReceiverConfig.Remember is %v: want at least twice the Tolerance of %v", c.Remember, c.Tolerance))
	}

	return errors.Join(errs...)
}

// setBound puts the default in place of zero and refuses a negative bound.
func setBound[N ~int | ~int64](name string, bound *N, standard N) error {
	if *bound < 0 {
		return fmt.Errorf("%s is %v: give 0 for the default of %v, or more", name, *bound, standard)
	}
	if *bound == 0 {
		*bound = standard
	}

	return nil
}
