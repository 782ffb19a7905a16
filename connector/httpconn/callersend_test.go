package httpconn_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
)

// A request that never left is transient, also with POST.
func TestCallerNotSent(t *testing.T) {
	t.Parallel()
	for name, cause := range map[string]error{
		"refused": syscall.ECONNREFUSED, "no such host": &net.DNSError{Err: "no such host", IsNotFound: true},
	} {
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, cause }}
		_, err := newCaller(t, httpconn.CallerConfig[order]{Client: &http.Client{Transport: transport}}, nil).Call(t.Context(), order{})
		checkClass(t, err, connector.ClassTransient)
		if !errors.Is(err, cause) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A transport that does not tell whether it connected may have sent the request.
func TestCallerForeignTransport(t *testing.T) {
	t.Parallel()
	transport := roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("broken") })
	for method, want := range map[string]connector.Class{
		"GET": connector.ClassTransient, "POST": connector.ClassAmbiguous,
	} {
		config := httpconn.CallerConfig[order]{Method: method, Client: &http.Client{Transport: transport}}
		_, err := newCaller(t, config, nil).Call(t.Context(), order{})
		checkClass(t, err, want)
	}
}

// slow answers nothing before the client gives up.
func slow(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func TestCallerTimeout(t *testing.T) {
	t.Parallel()
	cases := []struct {
		method  string
		timeout time.Duration
		want    time.Duration
		class   connector.Class
	}{
		{"GET", 0, 10 * time.Second, connector.ClassTransient},
		{"POST", 3 * time.Second, 3 * time.Second, connector.ClassAmbiguous},
	}
	for _, c := range cases {
		synctest.Test(t, func(t *testing.T) {
			caller := newCaller(t, httpconn.CallerConfig[order]{Method: c.method, Timeout: c.timeout}, slow)
			start := time.Now()
			_, err := caller.Call(t.Context(), order{})
			checkClass(t, err, c.class)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != c.want {
				t.Errorf("after %s, want %s: %v", time.Since(start), c.want, err)
			}
		})
	}
}

// The Timeout holds for the whole reply, and so does the caller's own context.
func TestCallerSlowReply(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		drip := func(w http.ResponseWriter, r *http.Request) {
			for range 60 {
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-time.After(time.Second):
				case <-r.Context().Done():
					return
				}
			}
		}
		caller := newCaller(t, httpconn.CallerConfig[order]{Method: "GET"}, drip)
		start := time.Now()
		_, err := caller.Call(t.Context(), order{})
		checkClass(t, err, connector.ClassTransient)
		if time.Since(start) != 10*time.Second {
			t.Errorf("after %s", time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start = time.Now()
		if _, err := caller.Call(ctx, order{}); err == nil || time.Since(start) != 2*time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

func TestCallerRedirects(t *testing.T) {
	t.Parallel()
	handle := func(w http.ResponseWriter, r *http.Request) {
		target := r.URL.Query().Get("to")
		hops, _ := strconv.Atoi(r.URL.Query().Get("hops"))
		switch {
		case hops > 0:
			target = fmt.Sprintf("/?hops=%d", hops-1)
		case target == "":
			answer(200, `{"price":1}`)(w, r)

			return
		}
		http.Redirect(w, r, target, http.StatusTemporaryRedirect)
	}
	cases := []struct {
		method, query string
		followed      bool
	}{
		{"GET", "to=/other", true},
		{"GET", "hops=5", true},
		{"GET", "hops=6", false},
		{"GET", "to=http://evil.example/", false},
		{"GET", "to=https://shop.example/", false},
		{"POST", "to=/other", false},
	}
	for _, c := range cases {
		caller := newCaller(t, httpconn.CallerConfig[order]{Method: c.method, URL: "http://shop.example/?" + c.query}, handle)
		_, err := caller.Call(t.Context(), order{})
		if (err == nil) != c.followed {
			t.Errorf("%s %s: %v", c.method, c.query, err)
		}
		if status, ok := errors.AsType[*httpconn.StatusError](err); err != nil && (!ok || status.Code != 307) {
			t.Errorf("%s %s: %v, want the redirect as a StatusError", c.method, c.query, err)
		}
	}
}

// Replies of every kind leave the connection fit for the next request.
func TestCallerReusesConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		requests, connections := 0, 0
		server := httptest.NewTestServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests++
			answer([]int{200, 500, 404, 204}[requests%4], strings.Repeat(" ", 1000))(w, r)
		}))
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections++
			}
		}
		caller := newCaller(t, httpconn.CallerConfig[order]{Client: server.Client()}, nil)
		for range 8 {
			_, _ = caller.Call(t.Context(), order{}) // what it says is tested elsewhere
			synctest.Wait()                          // the transport reads the rest in the background
		}
		if requests != 8 || connections != 1 {
			t.Errorf("%d requests over %d connections, want one", requests, connections)
		}
	})
}

func TestCallerConcurrently(t *testing.T) {
	t.Parallel()
	echo := func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"price":%s}`, r.URL.Query().Get("id"))
	}
	caller := newCaller(t, httpconn.CallerConfig[order]{
		Query: func(o order) url.Values { return url.Values{"id": {o.ID}} },
	}, echo)
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			if reply, err := caller.Call(t.Context(), order{ID: strconv.Itoa(i)}); err != nil || reply.Price != i {
				t.Errorf("request %d: reply %+v, error %v", i, reply, err)
			}
		})
	}
	group.Wait()
}
