package httpconn_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/connector/netguard"
)

func newGuard(t testing.TB, allow ...string) *netguard.Guard {
	t.Helper()
	config := netguard.Config{}
	for _, prefix := range allow {
		config.Allow = append(config.Allow, netip.MustParsePrefix(prefix))
	}
	guard, err := netguard.New(config)
	if err != nil {
		t.Fatal(err)
	}

	return guard
}

// An address that the guard refuses will be refused again.
func TestCallerGuard(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(answer(http.StatusOK, `{"price":1}`))
	defer server.Close()
	for _, c := range []struct {
		guard *netguard.Guard
		ok    bool
	}{{nil, true}, {newGuard(t, "127.0.0.1/32"), true}, {newGuard(t), false}} {
		caller, err := httpconn.NewCaller[order, quote](httpconn.CallerConfig[order]{URL: server.URL, Guard: c.guard})
		if err != nil {
			t.Fatal(err)
		}
		_, err = caller.Call(t.Context(), order{})
		if _, blocked := errors.AsType[*netguard.BlockedError](err); (err == nil) != c.ok || blocked == c.ok {
			t.Errorf("%v", err)
		}
		if !c.ok {
			checkClass(t, err, connector.ClassPermanent)
		}
		if err := caller.Close(); err != nil {
			t.Error(err)
		}
	}
}

// One request more than MaxConns waits for a connection.
func TestCallerMaxConns(t *testing.T) {
	t.Parallel()
	const most = 2
	var now, peak atomic.Int32
	arrived, release := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := now.Add(1); n > peak.Load() {
			peak.Store(n)
		}
		arrived <- struct{}{}
		<-release
		now.Add(-1)
		answer(http.StatusOK, `{"price":1}`)(w, r)
	}))
	defer server.Close()
	caller, err := httpconn.NewCaller[order, quote](httpconn.CallerConfig[order]{URL: server.URL, MaxConns: most})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 3 * most {
		group.Go(func() {
			if _, err := caller.Call(t.Context(), order{}); err != nil {
				t.Error(err)
			}
		})
	}
	for i := range 3 * most {
		<-arrived
		if i >= most-1 {
			release <- struct{}{}
		}
	}
	close(release)
	group.Wait()
	if peak.Load() != most {
		t.Errorf("%d requests at once, want %d", peak.Load(), most)
	}
	if err := caller.Close(); err != nil {
		t.Error(err)
	}
}

func TestClientGet(t *testing.T) {
	t.Parallel()
	given := httptest.NewTestServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/200", http.StatusFound)
		case "/away":
			http.Redirect(w, r, "http://evil.example/200", http.StatusFound)
		case "/304":
			w.WriteHeader(http.StatusNotModified)
		case "/429":
			answer(429, "", "Retry-After", "7200")(w, r)
		case "/200":
			w.Header().Set("X-Got", r.Header.Get("X-Sent"))
		default:
			http.NotFound(w, r)
		}
	})).Client()
	client, err := httpconn.NewClient(httpconn.ClientConfig{Client: given})
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]connector.Class{
		"http://user:secret@shop.example/200?secret": connector.ClassUnknown, "http://shop.example/moved": connector.ClassUnknown,
		"http://shop.example/304": connector.ClassUnknown, "http://shop.example/404?secret": connector.ClassPermanent,
		"http://shop.example/away": connector.ClassPermanent, "http://shop.example/429": connector.ClassThrottled,
		"file:///etc/passwd": connector.ClassPermanent, "": connector.ClassPermanent, "http://secret@%zz/": connector.ClassPermanent,
	} {
		response, err := client.Get(t.Context(), address, http.Header{"x-sent": {"a"}})
		if err != nil {
			checkClass(t, err, want)
			if after, ok := connector.RetryAfter(err); ok && after != 5*time.Minute {
				t.Errorf("%s: %v", address, after)
			}

			continue
		}
		if want != connector.ClassUnknown || response.StatusCode == http.StatusOK && response.Header.Get("X-Got") != "a" {
			t.Errorf("%s: status %d, header %v", address, response.StatusCode, response.Header)
		}
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	_, err = httpconn.NewClient(httpconn.ClientConfig{Client: given, MaxRetryAfter: -1, MaxHeader: 1, MaxConns: 1, Guard: newGuard(t)})
	for _, want := range []string{"MaxRetryAfter is", "MaxHeader has no", "MaxConns has no", "Guard has no"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not mention %q: %v", want, err)
		}
	}
}
