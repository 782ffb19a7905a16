package conntest_test

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/memory"
)

type call = func(ctx context.Context, req string) (int, error)

// parse is a caller that is right.
func parse(ctx context.Context, req string) (int, error) {
	switch req {
	case "slow":
		<-ctx.Done()

		return 0, ctx.Err()
	case "bad":
		return 0, connector.Permanent(errBad)
	default:
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}

		return strconv.Atoi(req)
	}
}

func callerTest(wrap func(call) call) func(*testing.T) {
	return func(t *testing.T) {
		conntest.TestCaller(t, conntest.CallerHarness[string, int]{
			New: func(testing.TB) connector.Caller[string, int] {
				return connector.CallerFunc[string, int](wrap(parse))
			},
			Request:  strconv.Itoa,
			Reply:    func(i int) int { return i },
			Edges:    []conntest.Exchange[string, int]{{Request: "-7", Reply: -7}},
			Slow:     func() string { return "slow" },
			Failures: []conntest.Failure[string]{{Name: "bad", Request: "bad", Class: connector.ClassPermanent}},
			Virtual:  true,
		})
	}
}

// TestCallerThatWorks shows that the caller is right but for its defect.
func TestCallerThatWorks(t *testing.T) { callerTest(func(c call) call { return c })(t) }

func brokenCallers() map[string]broken {
	return map[string]broken{
		"remembers a request": {callerTest(func(c call) call {
			var calls atomic.Int64

			return func(ctx context.Context, req string) (int, error) {
				n, err := c(ctx, req)
				if calls.Add(1) > 3 {
					n++
				}

				return n, err
			}
		}), failed("call/replies")},
		"ignores the context": {callerTest(func(c call) call {
			return func(ctx context.Context, req string) (int, error) {
				if req != "slow" {
					ctx = context.WithoutCancel(ctx)
				}

				return c(ctx, req)
			}
		}), failed("fail/context already ended")},
		"hides the cancellation": {callerTest(func(c call) call {
			return func(ctx context.Context, req string) (int, error) {
				n, err := c(ctx, req)
				if ctx.Err() != nil {
					err = errBad
				}

				return n, err
			}
		}), failed("fail/cancelled while it waits")},
		"calls a deadline transient": {callerTest(func(c call) call {
			return func(ctx context.Context, req string) (int, error) {
				n, err := c(ctx, req)

				return n, connector.Transient(err)
			}
		}), failed("fail/deadline")},
		"calls everything unknown": {callerTest(func(c call) call {
			return func(ctx context.Context, req string) (int, error) {
				if req == "bad" {
					return 0, errBad
				}

				return c(ctx, req)
			}
		}), failed("fail/classes")},
		"knows no sign": {callerTest(func(c call) call {
			return func(ctx context.Context, req string) (int, error) { return c(ctx, strings.TrimPrefix(req, "-")) }
		}), failed("edge/requests")},
		"breaks for good": {callerTest(func(c call) call {
			var broken atomic.Bool

			return func(ctx context.Context, req string) (int, error) {
				if broken.Load() {
					return 0, errBad
				}
				n, err := c(ctx, req)
				broken.Store(err != nil)

				return n, err
			}
		}), failed("fail/works afterwards")},
		"leaves goroutines": {func(t *testing.T) {
			conntest.TestCaller(t, conntest.CallerHarness[string, int]{
				New: func(testing.TB) connector.Caller[string, int] {
					return connector.CallerFunc[string, int](func(ctx context.Context, req string) (int, error) {
						go func() { select {} }()

						return parse(ctx, req)
					})
				},
				Request: strconv.Itoa,
				Reply:   func(i int) int { return i },
				Wait:    time.Second,
			})
		}, failed("call/no goroutine is left")},
		"is ill": {func(t *testing.T) {
			conntest.TestCaller(t, conntest.CallerHarness[int, int]{
				New:     func(testing.TB) connector.Caller[int, int] { return ill{memory.NewCaller[int, int](nil)} },
				Request: func(int) int { return 0 },
				Reply:   func(int) int { return 0 },
				Virtual: true,
			})
		}, failed("health/works")},
	}
}

type ill struct{ *memory.Caller[int, int] }

func (ill) CheckHealth(context.Context) error { return errBad }
