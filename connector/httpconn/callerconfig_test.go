package httpconn_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/httpconn"
)

func TestCallerRequestBounds(t *testing.T) {
	t.Parallel()
	config := httpconn.CallerConfig[order]{MaxRequest: len(`{"id":"123"}`)}
	caller := newCaller(t, config, answer(200, `{}`))
	if _, err := caller.Call(t.Context(), order{ID: "123"}); err != nil {
		t.Error(err)
	}
	_, err := caller.Call(t.Context(), order{ID: "1234"})
	checkClass(t, err, connector.ClassPermanent)
	for _, segment := range []string{"", ".", ".."} {
		config := httpconn.CallerConfig[order]{Path: func(order) []string { return []string{"a", segment} }}
		_, err := newCaller(t, config, answer(200, `{}`)).Call(t.Context(), order{})
		checkClass(t, err, connector.ClassPermanent)
	}
}

// The header of a reply is bounded by the default client.
func TestCallerHeaderBound(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(answer(200, `{}`, "X-Long", strings.Repeat("x", 3000)))
	defer server.Close()
	for limit, ok := range map[int64]bool{0: true, 5000: true, 2000: false} {
		caller, err := httpconn.NewCaller[order, quote](httpconn.CallerConfig[order]{URL: server.URL, MaxHeader: limit})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := caller.Call(t.Context(), order{}); (err == nil) != ok {
			t.Errorf("limit %d: %v", limit, err)
		}
		if err := caller.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestCallerConfigErrors(t *testing.T) {
	t.Parallel()
	_, err := httpconn.NewCaller[order, quote](httpconn.CallerConfig[order]{
		Method: "TRACE", URL: "shop.example", Header: http.Header{"Host": {"x"}, "a b": {"y"}},
		Client: http.DefaultClient, Timeout: -1, MaxRequest: -1, MaxResponse: -1, MaxHeader: -1, MaxRetryAfter: -1,
		MaxConns: -1, Guard: newGuard(t),
	})
	for _, want := range []string{
		`Method "TRACE"`, "URL is not an absolute", `Header "Host"`, `Header "a b"`, "Timeout is", "MaxRequest is",
		"MaxResponse is", "MaxHeader is", "MaxHeader has no effect", "MaxRetryAfter is",
		"MaxConns is", "MaxConns has no effect", "Guard has no effect",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not mention %q: %v", want, err)
		}
	}
	for _, address := range []string{"", "ftp://x", "http://", "http://user:secret@%zz", "http://x/#f", "/relative"} {
		_, err := httpconn.NewCaller[order, quote](httpconn.CallerConfig[order]{URL: address})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestCallerConformance(t *testing.T) {
	t.Parallel()
	serve := func(w http.ResponseWriter, r *http.Request) {
		switch id := r.URL.Query().Get("id"); id {
		case "slow":
			slow(w, r)
		case "missing":
			http.NotFound(w, r)
		case "busy":
			answer(503, "", "Retry-After", "1")(w, r)
		default:
			_, _ = fmt.Fprintf(w, `{"price":%s}`, id)
		}
	}
	conntest.TestCaller(t, conntest.CallerHarness[order, quote]{
		New: func(t testing.TB) connector.Caller[order, quote] {
			return newCaller(t, httpconn.CallerConfig[order]{
				Query:   func(o order) url.Values { return url.Values{"id": {o.ID}} },
				Timeout: time.Hour,
			}, serve)
		},
		Request: func(i int) order { return order{ID: strconv.Itoa(i)} },
		Reply:   func(i int) quote { return quote{Price: i} },
		Slow:    func() order { return order{ID: "slow"} },
		Edges: []conntest.Exchange[order, quote]{
			{Request: order{ID: "0"}}, {Request: order{ID: "123456789012345678"}, Reply: quote{Price: 123456789012345678}},
		},
		Failures: []conntest.Failure[order]{
			{Name: "missing", Request: order{ID: "missing"}, Class: connector.ClassPermanent},
			{Name: "busy", Request: order{ID: "busy"}, Class: connector.ClassThrottled},
		},
		Virtual: true,
	})
}
