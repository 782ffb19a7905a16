package httpconn_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector/httpconn"
)

// boundedServer is a test server with the bounds of NewServer.
func boundedServer(t *testing.T, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	bounds := httpconn.NewServer("localhost:80", handle)
	if bounds.Addr != "localhost:80" || bounds.Handler == nil {
		t.Errorf("address %q, handler %v", bounds.Addr, bounds.Handler)
	}
	server := httptest.NewTestServer(t, handle)
	server.Config.ReadHeaderTimeout = bounds.ReadHeaderTimeout
	server.Config.ReadTimeout = bounds.ReadTimeout
	server.Config.WriteTimeout = bounds.WriteTimeout
	server.Config.IdleTimeout = bounds.IdleTimeout
	server.Config.MaxHeaderBytes = bounds.MaxHeaderBytes

	return server
}

func TestServerHeaderBound(t *testing.T) {
	t.Parallel()
	client := boundedServer(t, answer(http.StatusOK, "")).Client()
	// net/http reads up to 8 KiB more than MaxHeaderBytes.
	for size, want := range map[int]int{60 << 10: http.StatusOK, 72 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://shop.example/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Long", strings.Repeat("x", size))
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil || response.StatusCode != want {
			t.Errorf("%d bytes: status %d, want %d; %v", size, response.StatusCode, want, err)
		}
	}
}

func TestServerSlowBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var failedAfter time.Duration
		client := boundedServer(t, func(_ http.ResponseWriter, r *http.Request) {
			begun := time.Now()
			if _, err := io.ReadAll(r.Body); err != nil {
				failedAfter = time.Since(begun)
			}
		}).Client()
		sendSlowly(t, client, strings.Repeat("x", 100), time.Second)
		if failedAfter != 30*time.Second {
			t.Errorf("the body was given up after %s, want 30 s", failedAfter)
		}
	})
}

func TestServerTimes(t *testing.T) {
	t.Parallel()
	s := httpconn.NewServer("", http.NotFoundHandler())
	got := []time.Duration{s.ReadHeaderTimeout, s.ReadTimeout, s.WriteTimeout, s.IdleTimeout}
	want := []time.Duration{5 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("times %v, want %v", got, want)
		}
	}
}
