package conntest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// reply holds the cases of a Call that succeeds.
func (c callerCases[Req, Resp]) reply() {
	c.run("call/replies", "", func(t *testing.T) {
		caller := c.h.New(t)
		for i := range 3 {
			c.call(t, caller, i)
		}
		c.call(t, caller, 0)
	})
	c.run("call/concurrently", "", func(t *testing.T) {
		caller := c.h.New(t)
		var wg sync.WaitGroup
		for worker := range 8 {
			wg.Go(func() {
				for i := range 10 {
					c.call(t, caller, worker*10+i)
				}
			})
		}
		wg.Wait()
	})
	c.run("health/works", unless(c.health, "the caller is no HealthChecker"), func(t *testing.T) {
		checkHealth(t, c.suite, c.h.New(t))
	})
}

// call does not stop the test: it runs on any goroutine.
func (c callerCases[Req, Resp]) call(t *testing.T, caller connector.Caller[Req, Resp], i int) {
	t.Helper()
	resp, err := caller.Call(c.context(t), c.h.Request(i))
	if err != nil {
		t.Errorf("Call %d: %v", i, err)
	} else if !same(c.h.Equal, resp, c.h.Reply(i)) {
		t.Errorf("Call %d: got %v, want %v", i, resp, c.h.Reply(i))
	}
}

// fail holds the cases of a Call that fails.
func (c callerCases[Req, Resp]) fail() {
	slow := unless(c.h.Slow != nil, "there is no slow request")
	c.run("fail/context already ended", "", func(t *testing.T) {
		_ = c.refuses(ended(t), t, c.h.New(t), c.h.Request(0), context.Canceled)
	})
	c.run("fail/cancelled while it waits", slow, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer time.AfterFunc(c.unit(), cancel).Stop()
		defer cancel()
		_ = c.refuses(ctx, t, c.h.New(t), c.h.Slow(), context.Canceled)
	})
	c.run("fail/deadline", slow, c.deadline)
	c.run("fail/classes", unless(len(c.h.Failures) > 0, "the harness has no Failures"), func(t *testing.T) {
		for _, failure := range c.h.Failures {
			c.classify(t, failure)
		}
	})
}

// refuses checks that the Call ends with its context and says so.
func (c callerCases[Req, Resp]) refuses(
	ctx context.Context, t *testing.T, caller connector.Caller[Req, Resp], req Req, want error,
) error {
	t.Helper()
	start := time.Now()
	_, err := caller.Call(ctx, req)
	if !errors.Is(err, want) {
		t.Errorf("Call: error %v, want %v", err, want)
	}
	if took := time.Since(start); took > c.unit()+c.wait/2 {
		t.Errorf("Call returned after %v", took)
	}

	return err
}

// deadline checks the class as well: the request was sent, so its effect is not known.
func (c callerCases[Req, Resp]) deadline(t *testing.T) {
	err := c.refuses(c.ending(t), t, c.h.New(t), c.h.Slow(), context.DeadlineExceeded)
	if class := connector.ClassOf(err); class != connector.ClassAmbiguous {
		t.Errorf("class %s of %v, want ambiguous", class, err)
	}
}

func (c callerCases[Req, Resp]) classify(t *testing.T, failure Failure[Req]) {
	t.Helper()
	_, err := c.h.New(t).Call(c.context(t), failure.Request)
	switch class := connector.ClassOf(err); {
	case err == nil:
		t.Errorf("%s: no error", failure.Name)
	case class != failure.Class:
		t.Errorf("%s: class %s of %v, want %s", failure.Name, class, err, failure.Class)
	}
}
