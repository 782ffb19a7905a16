package httpstream_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector/httpconn"
)

type tick struct {
	N int `json:"n"`
}

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

// one is the only failure.
func (f *failures) one(t *testing.T) httpconn.Failure {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.list) != 1 {
		t.Fatalf("%d failures, want one: %v", len(f.list), f.list)
	}

	return f.list[0]
}

// answer is a ResponseWriter that may be read while it is written.
type answer struct {
	mu      sync.Mutex
	header  http.Header
	status  int
	text    strings.Builder
	flushes []int // where the flushes stand in the text
}

func newAnswer() *answer { return &answer{header: http.Header{}} }

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) { a.status = status }

func (a *answer) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()

	return a.text.Write(p)
}

func (a *answer) FlushError() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.flushes = append(a.flushes, a.text.Len())

	return nil
}

// flushed returns where the flushes stand in the text.
func (a *answer) flushed() []int {
	a.mu.Lock()
	defer a.mu.Unlock()

	return slices.Clone(a.flushes)
}

func (a *answer) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()

	return a.text.String()
}

// serve calls the handler and reports whether it broke the answer off.
func serve(handler http.Handler, w http.ResponseWriter, r *http.Request) (aborted bool) {
	defer func() {
		if cause := recover(); cause != nil {
			err, _ := cause.(error)
			if aborted = errors.Is(err, http.ErrAbortHandler); !aborted {
				panic(cause)
			}
		}
	}()
	handler.ServeHTTP(w, r)

	return false
}

// bounded is a client of a server with the bounds of httpconn.NewServer.
func bounded(t *testing.T, handler http.Handler) *http.Client {
	t.Helper()
	bounds := httpconn.NewServer("localhost:80", handler)
	server := httptest.NewTestServer(t, handler)
	server.Config.ReadTimeout, server.Config.WriteTimeout = bounds.ReadTimeout, bounds.WriteTimeout
	server.Config.ReadHeaderTimeout, server.Config.IdleTimeout = bounds.ReadHeaderTimeout, bounds.IdleTimeout

	return server.Client()
}

func get(t *testing.T, client *http.Client, header ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://shop.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })

	return response
}

// stuck is a ResponseWriter whose client takes the first write and nothing more.
type stuck struct {
	answer

	deadline time.Time
}

func newStuck() *stuck { return &stuck{answer: answer{header: http.Header{}}} }

func (s *stuck) SetWriteDeadline(t time.Time) error {
	s.deadline = t

	return nil
}

func (s *stuck) Write(p []byte) (int, error) {
	if s.text.Len() > 0 {
		time.Sleep(time.Until(s.deadline))

		return 0, os.ErrDeadlineExceeded
	}

	return s.answer.Write(p)
}
