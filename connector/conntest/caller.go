package conntest

import (
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// CallerHarness says how to test a caller.
type CallerHarness[Req, Resp any] struct {
	// New returns a caller. Clean up with t.Cleanup.
	New func(t testing.TB) connector.Caller[Req, Resp]
	// Request returns the i-th test request, which succeeds; the replies to different i
	// must differ.
	Request func(i int) Req
	// Reply returns the reply to Request(i).
	Reply func(i int) Resp
	// Equal compares replies; default reflect.DeepEqual.
	Equal func(a, b Resp) bool

	// Edges are requests at the edges of what the caller takes, with their replies: empty,
	// the largest, every byte.
	Edges []Exchange[Req, Resp]
	// Slow returns a request that is not answered before its context ends; nil when there
	// is none.
	Slow func() Req
	// Failures are requests that fail, with the class that their error must have.
	Failures []Failure[Req]
	// Virtual runs each case in a testing/synctest bubble.
	Virtual bool
	// Wait is how long a case waits for what should happen; default 5 s. It has no effect
	// with Virtual.
	Wait time.Duration
}

// Failure is a request that fails.
type Failure[Req any] struct {
	// Name is that of the case.
	Name    string
	Request Req
	Class   connector.Class
}

// Exchange is a request and its reply.
type Exchange[Req, Resp any] struct {
	Request Req
	Reply   Resp
}

// TestCaller checks a caller against the contract of connector.Caller.
func TestCaller[Req, Resp any](t *testing.T, h CallerHarness[Req, Resp]) {
	t.Helper()
	s := newSuite(t, h.Virtual, h.Wait, map[string]bool{
		"New": h.New != nil, "Request": h.Request != nil, "Reply": h.Reply != nil,
	})
	c := callerCases[Req, Resp]{suite: s, h: h}
	s.probe(func(t *testing.T) {
		caller := h.New(t)
		described(t, caller)
		_, c.health = caller.(connector.HealthChecker)
	})
	c.reply()
	c.fail()
	c.rest()
}

type callerCases[Req, Resp any] struct {
	suite

	h      CallerHarness[Req, Resp]
	health bool
}
