package httpconn_test

import (
	"compress/gzip"
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/connector/netguard"
)

// shop records the requests that a sink sends.
type shop struct {
	mu     sync.Mutex
	orders []order
	bodies []string
	keys   []string
	header http.Header
	// status answers the n-th request, from 0; default 200.
	status func(n int) int
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.bodies)
	s.bodies, s.keys, s.header = append(s.bodies, string(data)), append(s.keys, r.Header.Get("Idempotency-Key")), r.Header
	code := http.StatusOK
	if s.status != nil {
		code = s.status(n)
	}
	var one order
	var several []order
	switch {
	case err != nil:
		code = http.StatusBadRequest
	case code > 299:
	case json.Unmarshal(data, &one) == nil:
		several = []order{one}
	default:
		_ = json.Unmarshal(data, &several)
	}
	for _, o := range several {
		if o.Note == "bad" {
			code, several = http.StatusBadRequest, nil
		}
	}
	s.orders = append(s.orders, several...)
	answer(code, "thanks")(w, r)
}

func newSink(t testing.TB, config httpconn.SinkConfig[order], handle http.Handler) *httpconn.Sink[order] {
	t.Helper()
	if config.Client == nil && handle != nil {
		config.Client = httptest.NewTestServer(t, handle).Client()
	}
	if config.URL == "" && config.Target == nil {
		config.URL = "http://user:secret@shop.example/orders?token=secret"
	}
	sink, err := httpconn.NewSink(config)
	if err != nil {
		t.Fatal(err)
	}

	return sink
}

// numbered are messages with the IDs 1 to n.
func numbered(n int) []connector.Message[order] {
	messages := make([]connector.Message[order], n)
	for i := range messages {
		id := fmt.Sprint(i + 1)
		messages[i] = connector.NewMessage(order{ID: id}, connector.Fields{ID: id})
	}

	return messages
}

// fates are the first letters of what became of each message.
func fates(n int, err error) string {
	partial, ok := errors.AsType[*connector.PartialError](err)
	switch {
	case err == nil:
		return strings.Repeat("a", n)
	case !ok:
		return connector.ClassOf(err).String()
	}
	var b strings.Builder
	for _, m := range partial.Members {
		b.WriteByte(m.Fate.String()[0])
		if (m.Fate == connector.Accepted) != (m.Err == nil) {
			b.WriteByte('!')
		}
	}

	return b.String()
}

// TestSinkConformance counts goroutines, so it runs alone.
func TestSinkConformance(t *testing.T) {
	for _, batch := range []bool{false, true} {
		conntest.TestSink(t, conntest.SinkHarness[order]{
			New: func(t testing.TB) (connector.Sink[order], func(testing.TB) []order) {
				s := &shop{}

				return newSink(t, httpconn.SinkConfig[order]{Batch: batch}, s), func(testing.TB) []order {
					s.mu.Lock()
					defer s.mu.Unlock()

					return append([]order(nil), s.orders...)
				}
			},
			Value:   func(i int) order { return order{ID: fmt.Sprint(i)} },
			Bad:     func(i int) order { return order{ID: fmt.Sprint(i), Note: "bad"} },
			Virtual: true,
		})
	}
}

func TestSinkSends(t *testing.T) {
	t.Parallel()
	s := &shop{}
	sink := newSink(t, httpconn.SinkConfig[order]{Method: http.MethodPut, Header: http.Header{"x-tenant": {"a"}}}, s)
	if err := sink.Write(t.Context(), numbered(2)); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.bodies, " "); got != `{"id":"1"} {"id":"2"}` {
		t.Errorf("sent %s", got)
	}
	if s.header.Get("Content-Type") != "application/json" || s.header.Get("X-Tenant") != "a" {
		t.Errorf("headers %v", s.header)
	}
	if caps := sink.Describe(); caps.Name != "PUT http://shop.example/orders" || !caps.Idempotent {
		t.Errorf("declared %+v", caps)
	}
}

// The key of a message is its ID, however often it is sent and whatever it holds.
func TestSinkKeys(t *testing.T) {
	t.Parallel()
	s := &shop{}
	sink := newSink(t, httpconn.SinkConfig[order]{Idempotent: true}, s)
	long := strings.Repeat("x", 255)
	for _, id := range []string{"orders.csv:7/2", long, long + "x", "ü", "a\r\nb", ""} {
		for range 2 {
			m := connector.NewMessage(order{}, connector.Fields{ID: id})
			if err := sink.Write(t.Context(), []connector.Message[order]{m}); err != nil {
				t.Fatal(err)
			}
		}
	}
	seen := map[string]bool{}
	for i := 0; i < len(s.keys); i += 2 {
		key := s.keys[i]
		if key != s.keys[i+1] || seen[key] || len(key) > 255 {
			t.Errorf("keys %q and %q", key, s.keys[i+1])
		}
		seen[key] = true
	}
	if s.keys[0] != "orders.csv:7/2" || s.keys[2] != long || !strings.HasPrefix(s.keys[4], "sha256-") || s.keys[10] != "" {
		t.Errorf("keys %q", s.keys)
	}
	if !sink.Describe().Idempotent || newSink(t, httpconn.SinkConfig[order]{}, s).Describe().Idempotent {
		t.Error("Idempotent is not declared as configured")
	}
	renamed := newSink(t, httpconn.SinkConfig[order]{KeyHeader: "X-Event"}, s)
	if err := renamed.Write(t.Context(), numbered(1)); err != nil || s.header.Get("X-Event") != "1" || s.header.Get("Idempotency-Key") != "" {
		t.Errorf("headers %v, %v", s.header, err)
	}
}

// What is wrong with one message does not stop the others; what is wrong with the
// endpoint does.
func TestSinkFates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method string
		codes  []int
		want   string
	}{
		{"POST", []int{200, 201, 204}, "aaa"},
		{"POST", []int{200, 400, 200}, "afa"},
		{"POST", []int{200, 500, 200}, "aun"},
		{"PUT", []int{200, 500, 200}, "afn"},
		{"POST", []int{200, 503, 200}, "aun"},
		{"POST", []int{429, 200, 200}, "fnn"},
		{"POST", []int{200, 207, 200}, "aun"},
		{"POST", []int{302, 410, 200}, "ffa"},
	} {
		s := &shop{status: func(n int) int { return c.codes[n] }}
		sink := newSink(t, httpconn.SinkConfig[order]{Method: c.method}, s)
		err := sink.Write(t.Context(), numbered(3))
		if got := fates(3, err); got != c.want {
			t.Errorf("%s %v: %s, want %s: %v", c.method, c.codes, got, c.want, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows a secret: %v", err)
		}
	}
}

func TestSinkClasses(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]connector.Class{
		200: connector.ClassUnknown, 207: connector.ClassAmbiguous, 400: connector.ClassPermanent,
		429: connector.ClassThrottled, 500: connector.ClassAmbiguous, 307: connector.ClassPermanent,
	} {
		sink := newSink(t, httpconn.SinkConfig[order]{}, &shop{status: func(int) int { return code }})
		if err := sink.Write(t.Context(), numbered(1)); connector.ClassOf(err) != want || (err == nil) != (code == 200) {
			t.Errorf("status %d: class %s: %v", code, connector.ClassOf(err), err)
		}
	}
	down := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("down")
	}}
	sink := newSink(t, httpconn.SinkConfig[order]{Client: &http.Client{Transport: down}}, nil)
	if got := fates(2, sink.Write(t.Context(), numbered(2))); got != "fn" {
		t.Errorf("fates %s, want the second one not attempted", got)
	}
	checkClass(t, sink.Write(t.Context(), numbered(1)), connector.ClassTransient)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if got := fates(2, sink.Write(ended, numbered(2))); got != "nn" {
		t.Errorf("fates %s of a write whose context had ended", got)
	}
	if err := sink.Write(ended, nil); err != nil {
		t.Errorf("nothing to write: %v", err)
	}
}

func TestSinkTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sink := newSink(t, httpconn.SinkConfig[order]{}, http.HandlerFunc(slow))
		begun := time.Now()
		err := sink.Write(t.Context(), numbered(2))
		if got := fates(2, err); got != "un" || time.Since(begun) != 10*time.Second {
			t.Errorf("fates %s after %v: %v", got, time.Since(begun), err)
		}
	})
}

// Concurrency is how many requests run at once, no more and no less.
func TestSinkConcurrency(t *testing.T) {
	t.Parallel()
	for concurrency, want := range map[int]time.Duration{0: 6 * time.Second, 1: 6 * time.Second, 3: 2 * time.Second, 9: time.Second} {
		synctest.Test(t, func(t *testing.T) {
			sink := newSink(t, httpconn.SinkConfig[order]{Concurrency: concurrency}, http.HandlerFunc(
				func(http.ResponseWriter, *http.Request) { time.Sleep(time.Second) }))
			begun := time.Now()
			if err := sink.Write(t.Context(), numbered(6)); err != nil {
				t.Error(err)
			}
			if time.Since(begun) != want {
				t.Errorf("concurrency %d: %v, want %v", concurrency, time.Since(begun), want)
			}
		})
	}
}

func TestSinkBatch(t *testing.T) {
	t.Parallel()
	s := &shop{}
	size := len(`[{"id":"1"},{"id":"2"}]`)
	sink := newSink(t, httpconn.SinkConfig[order]{Batch: true, MaxRequest: size}, s)
	messages := numbered(5)
	messages[3].Value.Note = strings.Repeat("x", size) // one that never fits
	if got := fates(5, sink.Write(t.Context(), messages)); got != "aaafa" {
		t.Errorf("fates %s", got)
	}
	if got := strings.Join(s.bodies, " "); got != `[{"id":"1"},{"id":"2"}] [{"id":"3"}] [{"id":"5"}]` {
		t.Errorf("sent %s", got)
	}
	if s.keys[0] == s.keys[1] || !strings.HasPrefix(s.keys[0], "sha256-") || s.keys[1] != "3" {
		t.Errorf("keys %q", s.keys)
	}
	if caps := sink.Describe(); caps.Idempotent {
		t.Errorf("declared %+v", caps)
	}
	busy := &shop{status: func(n int) int { return []int{200, 503}[n] }}
	sink = newSink(t, httpconn.SinkConfig[order]{Batch: true, MaxRequest: size}, busy)
	if got := fates(6, sink.Write(t.Context(), numbered(6))); got != "aauunn" {
		t.Errorf("fates %s", got)
	}
	// The brackets count too.
	exact := newSink(t, httpconn.SinkConfig[order]{Batch: true, MaxRequest: len(`[{"id":"1"}]`)}, &shop{})
	if err := exact.Write(t.Context(), numbered(1)); err != nil {
		t.Error(err)
	}
	short := newSink(t, httpconn.SinkConfig[order]{Batch: true, MaxRequest: len(`[{"id":"1"}]`) - 1}, &shop{})
	checkClass(t, short.Write(t.Context(), numbered(1)), connector.ClassPermanent)
}

// Bodies below 1 KiB are sent as they are.
func TestSinkGzip(t *testing.T) {
	t.Parallel()
	var encoding, body string
	sink := newSink(t, httpconn.SinkConfig[order]{Gzip: true}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		encoding = r.Header.Get("Content-Encoding")
		var from io.Reader = r.Body
		if encoding != "" {
			from, _ = gzip.NewReader(r.Body)
		}
		data, _ := io.ReadAll(from)
		body = string(data)
	}))
	for range 2 { // the second time with a used writer
		for size, want := range map[int]string{1023: "", 1024: "gzip"} {
			o := order{ID: strings.Repeat("x", size-len(`{"id":""}`))}
			if err := sink.Write(t.Context(), []connector.Message[order]{connector.NewMessage(o, connector.Fields{})}); err != nil {
				t.Fatal(err)
			}
			if encoding != want || len(body) != size {
				t.Errorf("%d bytes: encoding %q, %d bytes arrived", size, encoding, len(body))
			}
		}
	}
}

func TestSinkPrepare(t *testing.T) {
	t.Parallel()
	s := &shop{}
	sink := newSink(t, httpconn.SinkConfig[order]{
		Prepare: func(r *http.Request, body []byte, messages []connector.Message[order]) error {
			if messages[0].ID() == "2" {
				return errors.New("no key")
			}
			r.Header.Set("X-Signature", messages[0].ID()+" "+string(body))

			return nil
		},
	}, s)
	if got := fates(3, sink.Write(t.Context(), numbered(3))); got != "afa" || s.header.Get("X-Signature") != `3 {"id":"3"}` {
		t.Errorf("fates %s, headers %v", got, s.header)
	}
}

// A panic of the user's code fails its message alone, on any goroutine.
func TestSinkPanics(t *testing.T) {
	t.Parallel()
	for _, config := range []httpconn.SinkConfig[order]{{}, {Concurrency: 3}, {Batch: true}} {
		config.Codec = &touchy{}
		got := fates(3, newSink(t, config, &shop{}).Write(t.Context(), numbered(3)))
		if got != "afa" {
			t.Errorf("fates %s with %+v", got, config)
		}
	}
}

// touchy panics at order 2.
type touchy struct{}

func (touchy) Append(dst []byte, o order) ([]byte, error) {
	if o.ID == "2" {
		panic("no")
	}

	return fmt.Appendf(dst, `{"id":%q}`, o.ID), nil
}

func (touchy) Decode([]byte) (order, error) { return order{}, nil }

// An address that comes with the data is guarded, whatever it names.
func TestSinkTarget(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(&shop{})
	defer server.Close()
	config := httpconn.SinkConfig[order]{Target: func(m connector.Message[order]) string { return m.Value.Note }}
	to := func(addresses ...string) []connector.Message[order] {
		messages := numbered(len(addresses))
		for i := range messages {
			messages[i].Value.Note = addresses[i]
		}

		return messages
	}
	guarded := newSink(t, config, nil)
	err := guarded.Write(t.Context(), to(server.URL, "http://user:secret@%zz", "file:///etc/passwd", ""))
	if got := fates(4, err); got != "ffff" || strings.Contains(err.Error(), "secret") {
		t.Errorf("fates %s: %v", got, err)
	}
	if _, ok := errors.AsType[*netguard.BlockedError](guarded.Write(t.Context(), to(server.URL))); !ok {
		t.Error("a local address was not refused by the guard")
	}
	config.Guard = newGuard(t, "127.0.0.1/32")
	open := newSink(t, config, nil)
	if got := fates(3, open.Write(t.Context(), to(server.URL, "http://127.0.0.2:1/", server.URL))); got != "afa" {
		t.Errorf("fates %s", got)
	}
	if name := open.Describe().Name; name != "POST to the address of the message" {
		t.Errorf("name %q", name)
	}
	for _, sink := range []*httpconn.Sink[order]{guarded, open} {
		if err := sink.Close(); err != nil {
			t.Error(err)
		}
	}
}

// One endpoint that is busy does not hold back the messages for others.
func TestSinkTargetGoesOn(t *testing.T) {
	t.Parallel()
	s := &shop{status: func(n int) int { return []int{503, 200}[n] }}
	sink := newSink(t, httpconn.SinkConfig[order]{
		Target: func(m connector.Message[order]) string { return "http://" + m.ID() + ".example/" },
	}, s)
	if got := fates(2, sink.Write(t.Context(), numbered(2))); got != "ua" {
		t.Errorf("fates %s", got)
	}
}

func TestSinkReusesConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var connections atomic.Int32
		server := httptest.NewTestServer(t, &shop{status: func(n int) int { return []int{200, 400}[n%2] }})
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		}
		sink := newSink(t, httpconn.SinkConfig[order]{Client: server.Client()}, nil)
		for range 5 {
			if got := fates(2, sink.Write(t.Context(), numbered(2))); got != "af" {
				t.Errorf("fates %s", got)
			}
			synctest.Wait() // the transport reads the rest in the background
		}
		if n := connections.Load(); n != 1 {
			t.Errorf("10 requests over %d connections, want one", n)
		}
	})
}

func TestSinkConfigErrors(t *testing.T) {
	t.Parallel()
	target := func(connector.Message[order]) string { return "" }
	_, err := httpconn.NewSink(httpconn.SinkConfig[order]{
		Method: "GET", URL: "x", Target: target, Header: http.Header{"Host": {"x"}}, KeyHeader: "a b", Batch: true,
		Idempotent: true, Concurrency: 2, Client: http.DefaultClient, MaxHeader: -1, MaxConns: -1, Guard: newGuard(t),
		Timeout: -1, MaxRequest: -1, MaxRetryAfter: -1,
	})
	for _, want := range []string{
		`Method "GET"`, "URL has no effect with Target", `Header "Host"`, `KeyHeader "a b"`, "Target cannot be used with Batch",
		"Idempotent cannot", "Concurrency cannot", "MaxHeader has no effect", "MaxConns has no effect", "Guard has no effect",
		"Timeout is", "MaxRequest is", "MaxRetryAfter is", "MaxHeader is", "MaxConns is",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not mention %q: %v", want, err)
		}
	}
	_, err = httpconn.NewSink(httpconn.SinkConfig[order]{Concurrency: -1})
	for _, want := range []string{"URL is not an absolute", "Concurrency is"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not mention %q: %v", want, err)
		}
	}
}
