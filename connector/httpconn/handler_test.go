package httpconn_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
)

// failures collects what the OnError hook gets.
type failures struct {
	mu   sync.Mutex
	list []httpconn.Failure
}

func (f *failures) add(_ context.Context, failure httpconn.Failure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, failure)
}

func (f *failures) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()

	return len(f.list)
}

func (f *failures) last(t *testing.T) httpconn.Failure {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.list) == 0 {
		t.Fatal("the hook was not called")
	}

	return f.list[len(f.list)-1]
}

func newHandler(
	t testing.TB, config httpconn.HandlerConfig[order], call connector.CallerFunc[order, quote],
) http.Handler {
	t.Helper()
	handler, err := httpconn.NewHandler(call, config)
	if err != nil {
		t.Fatal(err)
	}

	return handler
}

func price(_ context.Context, o order) (quote, error) { return quote{Price: len(o.ID)}, nil }

func post(body string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/quotes?token=secret", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}

	return r
}

func serve(handler http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)

	return w
}

// checkProblem checks the body of an error answer and that it tells no secret.
func checkProblem(t *testing.T, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	var problem struct {
		Title     string `json:"title"`
		Status    int    `json:"status"`
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil {
		t.Errorf("body %q: %v", w.Body, err)
	}
	if w.Code != status || problem.Status != status || problem.Title != http.StatusText(status) ||
		w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	if problem.RequestID == "" || problem.RequestID != w.Header().Get("X-Request-ID") {
		t.Errorf("request id %q, header %q", problem.RequestID, w.Header().Get("X-Request-ID"))
	}
	if strings.Contains(w.Body.String(), "secret") {
		t.Errorf("the answer tells a secret: %s", w.Body)
	}
}

func TestHandlerAnswers(t *testing.T) {
	t.Parallel()
	w := serve(newHandler(t, httpconn.HandlerConfig[order]{}, price), post(`{"id":"1234"}`, "X-Request-ID", "abc-1"))
	if w.Code != http.StatusOK || w.Body.String() != `{"price":4}` || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("status %d, type %q: %s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	if got := w.Header().Get("X-Request-ID"); got != "abc-1" {
		t.Errorf("request id %q, want the client's", got)
	}
}

func TestHandlerRefusesRequests(t *testing.T) {
	t.Parallel()
	config := httpconn.HandlerConfig[order]{MaxBody: 20}
	cases := map[string]struct {
		request *http.Request
		status  int
		detail  string
	}{
		"body at the limit":      {post(`{"id":"12345678901"}`), 200, ""},
		"one byte beyond":        {post(`{"id":"123456789012"}`), 413, "limit of 20 bytes"},
		"one byte, no length":    {unsized(post(`{"id":"123456789012"}`)), 413, "limit of 20 bytes"},
		"empty body":             {post(""), 400, "not valid JSON"},
		"truncated":              {post(`{"id":"1"`), 400, "at byte 9"},
		"trailing":               {post(`{"id":"1"} {}`), 400, "not valid JSON"},
		"duplicate name":         {post(`{"id":"1","id":"2"}`), 400, "at /id"},
		"wrong type":             {post(`{"id":[17]}`), 400, "at /id"},
		"invalid UTF-8":          {post("{\"id\":\"\xff\"}"), 400, "not valid JSON"},
		"form":                   {post(`{"id":"1"}`, "Content-Type", "application/x-www-form-urlencoded"), 415, "application/json"},
		"no type":                {post(`{"id":"1"}`, "Content-Type", ""), 415, "application/json"},
		"charset":                {post(`{"id":"1"}`, "Content-Type", "application/json; charset=latin1"), 415, "UTF-8"},
		"UTF-8":                  {post(`{"id":"1"}`, "Content-Type", "application/json; charset=UTF-8"), 200, ""},
		"JSON suffix":            {post(`{"id":"1"}`, "Content-Type", "application/order+json"), 200, ""},
		"compressed":             {post(`{"id":"1"}`, "Content-Encoding", "gzip"), 415, "content encoding"},
		"GET":                    {httptest.NewRequest(http.MethodGet, "/", nil), 405, "use POST"},
		"hostile id is replaced": {post("", "X-Request-ID", "<script>secret"), 400, "not valid JSON"},
		"long id is replaced":    {post("", "X-Request-ID", strings.Repeat("secret", 22)), 400, "not valid JSON"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen failures
			config := config
			config.OnError = seen.add
			w := serve(newHandler(t, config, price), c.request)
			if c.status == http.StatusOK {
				if w.Code != c.status {
					t.Errorf("status %d: %s", w.Code, w.Body)
				}

				return
			}
			checkProblem(t, w, c.status)
			if !strings.Contains(w.Body.String(), c.detail) {
				t.Errorf("%s does not say %q", w.Body, c.detail)
			}
			failure := seen.last(t)
			if failure.Status != c.status || failure.Err == nil || failure.Path != c.request.URL.Path ||
				failure.RequestID != w.Header().Get("X-Request-ID") {
				t.Errorf("the hook got %+v", failure)
			}
			if c.status == http.StatusMethodNotAllowed && w.Header().Get("Allow") != "POST" {
				t.Errorf("Allow: %q", w.Header().Get("Allow"))
			}
		})
	}
}

// unsized hides the length of the body.
func unsized(r *http.Request) *http.Request {
	r.ContentLength = -1

	return r
}

func TestHandlerErrorClasses(t *testing.T) {
	t.Parallel()
	secret := errors.New("secret: dial 10.0.0.1")
	cases := map[string]struct {
		err    error
		status int
		retry  string
	}{
		"permanent":         {connector.Permanent(secret), 422, ""},
		"throttled":         {connector.Throttled(secret, 1500*time.Millisecond), 429, "2"},
		"throttled at once": {connector.Throttled(secret, 0), 429, "1"},
		"transient":         {connector.Transient(secret), 503, "1"},
		"ambiguous":         {connector.Ambiguous(secret), 502, ""},
		"deadline":          {context.DeadlineExceeded, 502, ""},
		"unknown":           {secret, 500, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen failures
			handler := newHandler(t, httpconn.HandlerConfig[order]{OnError: seen.add},
				func(context.Context, order) (quote, error) { return quote{}, c.err })
			w := serve(handler, post(`{}`))
			checkProblem(t, w, c.status)
			if got := w.Header().Get("Retry-After"); got != c.retry {
				t.Errorf("Retry-After %q, want %q", got, c.retry)
			}
			if failure := seen.last(t); !errors.Is(failure.Err, c.err) || failure.Status != c.status {
				t.Errorf("the hook got %+v", failure)
			}
		})
	}
}

func TestHandlerPanics(t *testing.T) {
	t.Parallel()
	var seen failures
	handler := newHandler(t, httpconn.HandlerConfig[order]{OnError: seen.add},
		func(context.Context, order) (quote, error) { panic("secret") })
	checkProblem(t, serve(handler, post(`{}`)), http.StatusInternalServerError)
	failure := seen.last(t)
	if !strings.Contains(failure.Err.Error(), "secret") || !strings.Contains(string(failure.Stack), "TestHandlerPanics") {
		t.Errorf("the hook got %v\n%s", failure.Err, failure.Stack)
	}
}

func TestHandlerDecodePanics(t *testing.T) {
	t.Parallel()
	var seen failures
	handler := newHandler(t, httpconn.HandlerConfig[order]{
		OnError: seen.add, Decode: func(*http.Request) (order, error) { panic("secret") },
	}, price)
	checkProblem(t, serve(handler, post(`{}`)), http.StatusInternalServerError)
	if failure := seen.last(t); !strings.Contains(failure.Err.Error(), "secret") {
		t.Errorf("the hook got %v", failure.Err)
	}
}

func TestHandlerUnencodableReply(t *testing.T) {
	t.Parallel()
	handler, err := httpconn.NewHandler(connector.CallerFunc[order, float64](
		func(context.Context, order) (float64, error) { return math.Inf(1), nil }), httpconn.HandlerConfig[order]{})
	if err != nil {
		t.Fatal(err)
	}
	checkProblem(t, serve(handler, post(`{}`)), http.StatusInternalServerError)
}

func TestHandlerDecode(t *testing.T) {
	t.Parallel()
	handler := newHandler(t, httpconn.HandlerConfig[order]{
		Method: http.MethodGet,
		Decode: func(r *http.Request) (order, error) {
			id := r.PathValue("id")
			if id == "bad" {
				return order{}, errors.New("secret")
			}

			return order{ID: id}, nil
		},
	}, price)
	mux := http.NewServeMux()
	mux.Handle("/orders/{id}", handler)
	if w := serve(mux, httptest.NewRequest(http.MethodGet, "/orders/123", nil)); w.Body.String() != `{"price":3}` {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	checkProblem(t, serve(mux, httptest.NewRequest(http.MethodGet, "/orders/bad", nil)), http.StatusBadRequest)
}

// A Decode that reads the body meets its bound.
func TestHandlerDecodeBound(t *testing.T) {
	t.Parallel()
	handler := newHandler(t, httpconn.HandlerConfig[order]{
		MaxBody: 20,
		Decode: func(r *http.Request) (order, error) {
			data, err := io.ReadAll(r.Body)
			if err != nil {
				return order{}, fmt.Errorf("read: %w", err)
			}

			return order{ID: string(data)}, nil
		},
	}, price)
	if w := serve(handler, post(strings.Repeat("x", 20))); w.Code != http.StatusOK {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	checkProblem(t, serve(handler, post(strings.Repeat("x", 21))), http.StatusRequestEntityTooLarge)
}

// What a Caller makes of the answers of a Handler is the class that the Handler had.
func TestHandlerAndCallerAgree(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want connector.Class
	}{
		"permanent": {connector.Permanent(io.EOF), connector.ClassPermanent},
		"throttled": {connector.Throttled(io.EOF, 3*time.Second), connector.ClassThrottled},
		"transient": {connector.Transient(io.EOF), connector.ClassThrottled}, // it says when to come back
		"ambiguous": {connector.Ambiguous(io.EOF), connector.ClassAmbiguous},
	} {
		handler := newHandler(t, httpconn.HandlerConfig[order]{},
			func(context.Context, order) (quote, error) { return quote{}, c.err })
		_, err := newCaller(t, httpconn.CallerConfig[order]{}, handler.ServeHTTP).Call(t.Context(), order{})
		if got := connector.ClassOf(err); got != c.want {
			t.Errorf("%s became %s: %v", name, got, err)
		}
	}
}

func TestHandlerConfigErrors(t *testing.T) {
	t.Parallel()
	_, err := httpconn.NewHandler[order, quote](nil, httpconn.HandlerConfig[order]{Method: "GET", MaxBody: -1, Timeout: -1, MaxCalls: -1})
	for _, want := range []string{"the caller is nil", "give Decode", "MaxBody is", "Timeout is", "MaxCalls is"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not mention %q: %v", want, err)
		}
	}
	_, err = httpconn.NewHandler[order, quote](connector.CallerFunc[order, quote](price), httpconn.HandlerConfig[order]{Method: "HEAD"})
	if err == nil || !strings.Contains(err.Error(), `Method "HEAD"`) {
		t.Errorf("error %v", err)
	}
}

// Whatever the body is, the answer is one of the documented ones, and 200 only for what
// decodes.
func FuzzHandler(f *testing.F) {
	for _, seed := range []string{`{"id":"1"}`, `{"id":1}`, `{"id":"1","id":"2"}`, "", "[", "\xff", `{"note":{}}`} {
		f.Add([]byte(seed), "application/json")
	}
	f.Add([]byte(`{}`), "text/plain; charset=\"")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		handler := newHandler(t, httpconn.HandlerConfig[order]{MaxBody: 100}, price)
		w := serve(handler, post(string(body), "Content-Type", contentType))
		var decoded order
		err := json.Unmarshal(body, &decoded)
		switch w.Code {
		case http.StatusOK:
			if err != nil || len(body) > 100 {
				t.Fatalf("%q was accepted", body)
			}
		case http.StatusBadRequest:
			if err == nil {
				t.Fatalf("%q was refused: %s", body, w.Body)
			}
		case http.StatusRequestEntityTooLarge:
			if len(body) <= 100 {
				t.Fatalf("%d bytes are too large", len(body))
			}
		case http.StatusUnsupportedMediaType:
			if contentType == "application/json" {
				t.Fatal("JSON is not supported")
			}
		default:
			t.Fatalf("status %d for %q", w.Code, body)
		}
	})
}
