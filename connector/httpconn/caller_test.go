package httpconn_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
)

type order struct {
	ID   string `json:"id"`
	Note string `json:"note,omitempty"`
}

type quote struct {
	Price int `json:"price"`
}

// newCaller asks a server of the test that answers with handle.
func newCaller(t testing.TB, config httpconn.CallerConfig[order], handle http.HandlerFunc) *httpconn.Caller[order, quote] {
	t.Helper()
	if config.Client == nil {
		config.Client = httptest.NewTestServer(t, handle).Client()
	}
	if config.URL == "" {
		config.URL = "http://user:secret@shop.example/v1?token=secret"
	}
	caller, err := httpconn.NewCaller[order, quote](config)
	if err != nil {
		t.Fatal(err)
	}

	return caller
}

func answer(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func checkClass(t *testing.T, err error, want connector.Class) {
	t.Helper()
	if got := connector.ClassOf(err); err == nil || got != want {
		t.Errorf("class %s, want %s: %v", got, want, err)
	}
	if err != nil && strings.Contains(err.Error(), "secret") {
		t.Errorf("the error shows a secret: %v", err)
	}
}

func TestCallerSends(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body string
	record := func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		got, body = r, string(data)
		answer(http.StatusOK, `{"price":7,"currency":"EUR"}`)(w, r)
	}
	config := httpconn.CallerConfig[order]{
		Path:   func(o order) []string { return []string{"orders", o.ID} },
		Query:  func(o order) url.Values { return url.Values{"note": {o.Note}} },
		Header: http.Header{"x-tenant": {"a&b"}},
	}
	reply, err := newCaller(t, config, record).Call(t.Context(), order{ID: "a/b?c", Note: "x y"})
	if err != nil || reply.Price != 7 {
		t.Fatalf("reply %+v, error %v", reply, err)
	}
	if want := "/v1/orders/a%2Fb%3Fc?token=secret&note=x+y"; got.RequestURI != want {
		t.Errorf("sent to %s, want %s", got.RequestURI, want)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/json", "X-Tenant": "a&b",
	} {
		if value := got.Header.Get(name); value != want {
			t.Errorf("%s: %q, want %q", name, value, want)
		}
	}
	if body != `{"id":"a/b?c","note":"x y"}` || got.Method != http.MethodPost {
		t.Errorf("sent %s %s", got.Method, body)
	}
	config.Method, config.Path, config.Query = http.MethodGet, nil, nil
	if _, err := newCaller(t, config, record).Call(t.Context(), order{}); err != nil {
		t.Fatal(err)
	}
	if body != "" || got.RequestURI != "/v1?token=secret" || got.Header.Get("Content-Type") != "" {
		t.Errorf("GET %s sent body %q of type %q", got.RequestURI, body, got.Header.Get("Content-Type"))
	}
}

func TestCallerStatus(t *testing.T) {
	t.Parallel()
	const (
		permanent, transient = connector.ClassPermanent, connector.ClassTransient
		throttled, ambiguous = connector.ClassThrottled, connector.ClassAmbiguous
	)
	cases := []struct {
		code      int
		retry     string
		put, post connector.Class
		after     time.Duration
	}{
		{304, "", permanent, permanent, 0},
		{400, "", permanent, permanent, 0},
		{401, "", permanent, permanent, 0},
		{404, "", permanent, permanent, 0},
		{408, "", transient, transient, 0},
		{409, "", permanent, permanent, 0},
		{422, "5", permanent, permanent, 0},
		{425, "", transient, transient, 0},
		{429, "", throttled, throttled, 0},
		{429, "3", throttled, throttled, 3 * time.Second},
		{429, "86400", throttled, throttled, 5 * time.Minute},
		{500, "", transient, ambiguous, 0},
		{500, "5", transient, ambiguous, 0},
		{501, "", permanent, permanent, 0},
		{502, "", transient, ambiguous, 0},
		{503, "", transient, ambiguous, 0},
		{503, "bad", transient, ambiguous, 0},
		{503, "20", throttled, throttled, 20 * time.Second},
		{504, "", transient, ambiguous, 0},
		{505, "", permanent, permanent, 0},
		{599, "", transient, ambiguous, 0},
	}
	for _, c := range cases {
		for method, want := range map[string]connector.Class{
			"GET": c.put, "PUT": c.put, "DELETE": c.put, "POST": c.post, "PATCH": c.post,
		} {
			handle := answer(c.code, strings.Repeat("x", 600))
			if c.code == http.StatusNotModified {
				handle = answer(c.code, "")
			}
			if c.retry != "" {
				handle = answer(c.code, strings.Repeat("x", 600), "Retry-After", c.retry)
			}
			_, err := newCaller(t, httpconn.CallerConfig[order]{Method: method}, handle).Call(t.Context(), order{})
			checkClass(t, err, want)
			if after, _ := connector.RetryAfter(err); after != c.after {
				t.Errorf("%s %d with %q: wait %s, want %s", method, c.code, c.retry, after, c.after)
			}
			status, ok := errors.AsType[*httpconn.StatusError](err)
			if !ok || status.Code != c.code || status.Method != method || status.URL != "http://shop.example/v1" ||
				c.code != 304 && len(status.Body) != 512 {
				t.Errorf("%s %d: got %+v", method, c.code, status)
			}
		}
	}
}

func TestCallerRetryAfterDate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		date := time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)
		_, err := newCaller(t, httpconn.CallerConfig[order]{}, answer(503, "", "Retry-After", date)).Call(t.Context(), order{})
		if after, ok := connector.RetryAfter(err); !ok || after != 90*time.Second {
			t.Errorf("wait %s, %t; want 90 s", after, ok)
		}
	})
}

func TestCallerReply(t *testing.T) {
	t.Parallel()
	const permanent, ambiguous = connector.ClassPermanent, connector.ClassAmbiguous
	fits := `{"price":1}` + strings.Repeat(" ", 89)
	cases := map[string]struct {
		status    int
		body      string
		get, post connector.Class // zero: success
	}{
		"fits":           {200, fits, 0, 0},
		"one byte more":  {200, fits + " ", permanent, ambiguous},
		"created":        {201, fits, 0, 0},
		"no content":     {204, "", 0, 0},
		"empty":          {200, "", permanent, ambiguous},
		"truncated JSON": {200, `{"price":1`, permanent, ambiguous},
		"duplicate name": {200, `{"price":1,"price":2}`, permanent, ambiguous},
		"HTML":           {200, "<html>", permanent, ambiguous},
		"wrong type":     {200, `{"price":"1"}`, permanent, ambiguous},
	}
	for name, c := range cases {
		for method, want := range map[string]connector.Class{"GET": c.get, "POST": c.post} {
			t.Run(name+"/"+method, func(t *testing.T) {
				t.Parallel()
				caller := newCaller(t, httpconn.CallerConfig[order]{Method: method, MaxResponse: 100}, answer(c.status, c.body))
				_, err := caller.Call(t.Context(), order{})
				switch {
				case want != connector.ClassUnknown:
					checkClass(t, err, want)
				case err != nil:
					t.Error(err)
				}
			})
		}
	}
}

func TestCallerReplyBreaksOff(t *testing.T) {
	t.Parallel()
	handle := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"price":`)
	}
	for method, want := range map[string]connector.Class{
		"PUT": connector.ClassTransient, "POST": connector.ClassAmbiguous,
	} {
		_, err := newCaller(t, httpconn.CallerConfig[order]{Method: method}, handle).Call(t.Context(), order{})
		checkClass(t, err, want)
	}
}

func TestCallerDiscardsForEmptyStruct(t *testing.T) {
	t.Parallel()
	caller, err := httpconn.NewCaller[order, struct{}](httpconn.CallerConfig[order]{
		URL: "http://shop.example", Client: httptest.NewTestServer(t, answer(202, "queued")).Client(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := caller.Call(t.Context(), order{}); err != nil {
		t.Error(err)
	}
}
