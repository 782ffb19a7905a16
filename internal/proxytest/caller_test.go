package proxytest_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
)

// patience is how long a call may take: not long where the fault leaves it without an end,
// and long enough for a busy machine everywhere else.
func patience(fault string) time.Duration {
	if strings.HasPrefix(fault, "half-open") {
		return time.Second
	}

	return 30 * time.Second
}

// echo counts what reaches the far side whole.
func echo(t *testing.T, calls *atomic.Int64) *httpconn.Handler[order, order] {
	t.Helper()
	h, err := httpconn.NewHandler[order, order](connector.CallerFunc[order, order](
		func(_ context.Context, o order) (order, error) {
			calls.Add(1)
			if o.Note != note {
				t.Errorf("the far side got an order of %d bytes", len(o.Note))
			}

			return o, nil
		}), httpconn.HandlerConfig[order]{})
	if err != nil {
		t.Fatal(err)
	}

	return h
}

func newCaller(t *testing.T, url, method string, limit time.Duration) *httpconn.Caller[order, order] {
	t.Helper()
	c, err := httpconn.NewCaller[order, order](httpconn.CallerConfig[order]{
		URL: url, Method: method, Client: newClient(t), Timeout: limit,
	})
	if err != nil {
		t.Fatal(err)
	}

	return c
}

// TestCaller breaks calls between a caller and a handler. A request that may have been
// received fails as ambiguous; half a request has no effect; and once the fault is gone
// calls work.
func TestCaller(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			var calls atomic.Int64
			p := newProxy(t, echo(t, &calls))
			caller := newCaller(t, p.url, "POST", patience(name))
			p.fault(t, fault)
			_, err := caller.Call(t.Context(), order{"1", note})
			if err == nil {
				t.Error("the call succeeded")
			}
			if class := connector.ClassOf(err); class != connector.ClassAmbiguous {
				t.Errorf("%v is %s, want it ambiguous", err, class)
			}
			p.heal(t.Context())
			if got, err := caller.Call(t.Context(), order{"2", note}); err != nil || got.ID != "2" {
				t.Errorf("after the fault: %.20v, %v", got, err)
			}
			if n := calls.Load(); n < 1 || n > 2 {
				t.Errorf("%d calls reached the far side", n)
			}
		})
	}
}

// A slow connection is no error.
func TestSlowCaller(t *testing.T) {
	for name, fault := range slow {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			var calls atomic.Int64
			p := newProxy(t, echo(t, &calls))
			p.fault(t, fault)
			c, err := httpconn.NewCaller[order, order](httpconn.CallerConfig[order]{URL: p.url, Client: newClient(t)})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := c.Call(t.Context(), order{"1", note}); err != nil || got.Note != note || calls.Load() != 1 {
				t.Errorf("%.20v, %v, %d calls", got, err, calls.Load())
			}
		})
	}
}

// Where nobody listens, nothing was received.
func TestRefused(t *testing.T) {
	checkLeaks(t)
	var calls atomic.Int64
	p := newProxy(t, echo(t, &calls))
	p.Stop()
	_, err := newCaller(t, p.url, "POST", patience("")).Call(t.Context(), order{"1", note})
	if connector.ClassOf(err) != connector.ClassTransient {
		t.Errorf("%v is %s, want it transient", err, connector.ClassOf(err))
	}
}
