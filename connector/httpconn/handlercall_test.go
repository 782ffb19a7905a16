package httpconn_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
)

// stubborn is a call that ignores its context and ends when it is told to.
func stubborn(end <-chan struct{}, how func() error) connector.CallerFunc[order, quote] {
	return func(context.Context, order) (quote, error) {
		<-end

		return quote{Price: 1}, how()
	}
}

func wellDone() error { return nil }

// A call that ignores its context does not keep its client waiting; how it fails later is
// reported under the same id. The bubble fails the test if a goroutine is left.
func TestHandlerLeavesStubbornCall(t *testing.T) {
	t.Parallel()
	errLost := errors.New("lost")
	for name, test := range map[string]struct {
		how   func() error
		late  string
		stack bool
	}{
		"success": {how: wellDone},
		"error":   {how: func() error { return errLost }, late: "lost"},
		"panic":   {how: func() error { panic("broken") }, late: "panic: broken", stack: true},
		"Goexit":  {how: func() error { runtime.Goexit(); return nil }, late: "runtime.Goexit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var seen failures
				end := make(chan struct{})
				handler := newHandler(t, httpconn.HandlerConfig[order]{Timeout: 2 * time.Second, OnError: seen.add}, stubborn(end, test.how))
				client := httptest.NewTestServer(t, handler).Client()
				if got, after := sendSlowly(t, client, `{"id":"12"}`, 0); got != http.StatusGatewayTimeout || after != 2*time.Second {
					t.Errorf("status %d after %s, want 504 after 2 s", got, after)
				}
				first := seen.last(t)
				if first.Status != http.StatusGatewayTimeout || first.Late || !errors.Is(first.Err, context.DeadlineExceeded) {
					t.Errorf("the hook got %+v", first)
				}
				close(end)
				synctest.Wait()
				if test.late == "" {
					if seen.count() != 1 {
						t.Errorf("a late success is reported: %+v", seen.last(t))
					}

					return
				}
				late := seen.last(t)
				if seen.count() != 2 || !late.Late || late.RequestID != first.RequestID || late.Status != http.StatusGatewayTimeout ||
					!strings.Contains(late.Err.Error(), test.late) || (late.Stack != nil) != test.stack {
					t.Errorf("%d reports, the last %+v", seen.count(), late)
				}
			})
		})
	}
}

// A client that goes away does not wait either, and the late failure says what it missed.
func TestHandlerLeavesCallOfGoneClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen failures
		end := make(chan struct{})
		handler := newHandler(t, httpconn.HandlerConfig[order]{OnError: seen.add},
			stubborn(end, func() error { return connector.Permanent(errors.New("refused")) }))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		serve(handler, post(`{}`).WithContext(ctx))
		if waited := time.Since(begun); waited != time.Second {
			t.Errorf("served for %s", waited)
		}
		close(end)
		synctest.Wait()
		if late := seen.last(t); !late.Late || late.Status != 499 || late.Err.Error() != "refused" {
			t.Errorf("the hook got %+v", late)
		}
	})
}

// Calls that were left alone keep their places: the number of them is bounded.
func TestHandlerBoundsCalls(t *testing.T) {
	t.Parallel()
	for given, want := range map[int]int{3: 3, 0: 1_000} {
		synctest.Test(t, func(t *testing.T) {
			var seen failures
			end := make(chan struct{})
			handler := newHandler(t, httpconn.HandlerConfig[order]{Timeout: time.Second, MaxCalls: given, OnError: seen.add}, stubborn(end, wellDone))
			for range want {
				start(handler, post(`{}`))
			}
			time.Sleep(2 * time.Second)
			if n := seen.count(); n != want || seen.last(t).Status != http.StatusGatewayTimeout {
				t.Fatalf("%d failures, the last %+v", n, seen.last(t))
			}
			begun := time.Now()
			w := serve(handler, post(`{}`))
			checkProblem(t, w, http.StatusServiceUnavailable)
			if w.Header().Get("Retry-After") != "1" || time.Since(begun) != 0 {
				t.Errorf("Retry-After %q after %s", w.Header().Get("Retry-After"), time.Since(begun))
			}
			close(end)
			synctest.Wait()
			if w := serve(handler, post(`{}`)); w.Code != http.StatusOK {
				t.Errorf("when the calls have ended: status %d", w.Code)
			}
		})
	}
}

// A hook that panics on the goroutine of a late call does not end the process.
func TestHandlerLateHookPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		handler := newHandler(t, httpconn.HandlerConfig[order]{
			Timeout: time.Second,
			OnError: func(_ context.Context, failure httpconn.Failure) {
				if failure.Late {
					panic("the hook")
				}
			},
		}, stubborn(end, func() error { return errors.New("lost") }))
		checkProblem(t, serve(handler, post(`{}`)), http.StatusGatewayTimeout)
		close(end)
		synctest.Wait()
	})
}
