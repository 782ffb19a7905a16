package httpconn_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

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
