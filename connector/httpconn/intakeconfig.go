package httpconn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// IntakeConfig says which requests an [Intake] takes, and within which bounds. The zero
// value takes POST with a JSON body.
type IntakeConfig struct {
	// Name is the endpoint in errors and metrics, and the partition of every Position;
	// default "http".
	Name string
	// Method is POST, PUT or PATCH; default POST. Others are answered 405.
	Method string
	// MaxBody is the most bytes of a body; default 1 MiB. A longer one is answered 413.
	MaxBody int
	// Headers are the names of the request headers that become headers of the message,
	// under the name as it is spelt here. Repeated ones are joined with ", ". No other
	// header is passed on. Default none.
	Headers []string
	// MaxHeader is the most bytes of all the values passed on; default 8 KiB. More are
	// answered 431.
	MaxHeader int
	// MaxWaiting is the most requests that are being read or whose message has no
	// outcome yet; default 1,000. One more is answered 503.
	MaxWaiting int
	// Timeout bounds a request from its header to the answer; default 30 s.
	Timeout time.Duration
	// RetryAfter is what an answer of 503 asks the client to wait; default 1 s. A
	// returned message whose delay is longer asks for that.
	RetryAfter time.Duration
	// OnError gets every request that is not answered with success, with the error that
	// the client is not told. It may run concurrently. Default none.
	OnError func(ctx context.Context, failure Failure)
}

const (
	defaultForwarded = 8 << 10
	defaultWaiting   = 1_000
)

func (c *IntakeConfig) complete() error {
	if c.Name == "" {
		c.Name = "http"
	}
	if c.Method == "" {
		c.Method = http.MethodPost
	}
	errs := []error{
		checkServed("IntakeConfig.Method", c.Method, http.MethodPost, http.MethodPut, http.MethodPatch),
		setBound("IntakeConfig.MaxBody", &c.MaxBody, defaultBody),
		setBound("IntakeConfig.MaxHeader", &c.MaxHeader, defaultForwarded),
		setBound("IntakeConfig.MaxWaiting", &c.MaxWaiting, defaultWaiting),
		setBound("IntakeConfig.Timeout", &c.Timeout, defaultServeTimeout),
		setBound("IntakeConfig.RetryAfter", &c.RetryAfter, defaultRetryAfter),
	}
	seen := make(map[string]bool, len(c.Headers))
	for _, name := range c.Headers {
		key := http.CanonicalHeaderKey(name)
		if seen[key] {
			errs = append(errs, fmt.Errorf("IntakeConfig.Headers names %q twice", name))
		}
		seen[key] = true
		errs = append(errs, checkName("IntakeConfig.Headers", name))
	}

	return errors.Join(errs...)
}
