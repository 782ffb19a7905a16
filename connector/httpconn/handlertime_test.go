package httpconn_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector/httpconn"
)

func TestHandlerTimeout(t *testing.T) {
	t.Parallel()
	for given, want := range map[time.Duration]time.Duration{0: 30 * time.Second, 2 * time.Second: 2 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			handler := newHandler(t, httpconn.HandlerConfig[order]{Timeout: given},
				func(ctx context.Context, _ order) (quote, error) {
					<-ctx.Done()

					return quote{}, ctx.Err()
				})
			start := time.Now()
			checkProblem(t, serve(handler, post(`{}`)), http.StatusGatewayTimeout)
			if time.Since(start) != want {
				t.Errorf("after %s, want %s", time.Since(start), want)
			}
		})
	}
}

// The client hears of the timeout, although the time for its body ends in the same moment.
func TestHandlerTimeoutReachesClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		handler := newHandler(t, httpconn.HandlerConfig[order]{Timeout: 10 * time.Second},
			func(ctx context.Context, _ order) (quote, error) {
				<-ctx.Done()
				synctest.Wait() // lets everything else that is due happen first

				return quote{}, ctx.Err()
			})
		client := httptest.NewTestServer(t, handler).Client()
		if got, after := sendSlowly(t, client, `{"id":"12"}`, 0); got != http.StatusGatewayTimeout || after != 10*time.Second {
			t.Errorf("status %d after %s", got, after)
		}
	})
}

// The bound of the body's time is not the bound of the call: the context of a call that
// goes on after it stays alive, and the connection can be used again.
func TestHandlerSlowBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		handler := newHandler(t, httpconn.HandlerConfig[order]{Timeout: 10 * time.Second},
			func(ctx context.Context, o order) (quote, error) {
				select {
				case <-ctx.Done():
					return quote{}, ctx.Err()
				case <-time.After(9 * time.Second):
					return price(ctx, o)
				}
			})
		client := httptest.NewTestServer(t, handler).Client()
		if got, _ := sendSlowly(t, client, `{"id":"12"}`, 0); got != http.StatusOK {
			t.Errorf("a call of 9 s: status %d", got)
		}
		if got, after := sendSlowly(t, client, `{"id":"12"}`, time.Second); got != http.StatusRequestTimeout || after != 10*time.Second {
			t.Errorf("a body of 11 s: status %d after %s", got, after)
		}
	})
}

// sendSlowly posts the body byte by byte and returns the status, and when it came.
func sendSlowly(t *testing.T, client *http.Client, body string, pause time.Duration) (int, time.Duration) {
	t.Helper()
	begun := time.Now()
	read, write := io.Pipe()
	var group sync.WaitGroup
	group.Go(func() {
		for i := range len(body) {
			time.Sleep(pause)
			if _, err := io.WriteString(write, body[i:i+1]); err != nil {
				return
			}
		}
		_ = write.Close()
	})
	defer group.Wait()
	defer read.Close()
	response, err := client.Post("http://shop.example/", "application/json", read)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()

	return response.StatusCode, time.Since(begun)
}

func TestHandlerClientGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen failures
		handler := newHandler(t, httpconn.HandlerConfig[order]{OnError: seen.add},
			func(ctx context.Context, _ order) (quote, error) {
				<-ctx.Done()

				return quote{}, ctx.Err()
			})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://shop.example/", strings.NewReader(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		if _, err := httptest.NewTestServer(t, handler).Client().Do(request); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the client got %v", err)
		}
		synctest.Wait()
		if failure := seen.last(t); failure.Status != 499 || !errors.Is(failure.Err, context.Canceled) {
			t.Errorf("the hook got %+v", failure)
		}
	})
}
