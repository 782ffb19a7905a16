package httpconn_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
)

// capped bounds what fn allocates in all, and its time. The test that calls it must not
// be parallel.
func capped(t *testing.T, name string, most uint64, fn func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun := time.Now()
	fn()
	took := time.Since(begun)
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > most || took > 30*time.Second {
		t.Errorf("%s: %d bytes allocated, at most %d are allowed; %v", name, grown, most, took)
	}
}

// What is nested too deep is refused before it is deep in memory, on the way in and on
// the way back.
func TestDeepJSON(t *testing.T) {
	nested := func(n int) string { return strings.Repeat(`[`, n) + strings.Repeat(`]`, n) }
	for body, want := range map[string]int{
		nested(100): 200, nested(101): 400, strings.Repeat("[", 1<<20): 400, strings.Repeat(`{"a":`, 200_000): 400,
	} {
		handler, err := httpconn.NewHandler[any, bool](accepting{}, httpconn.HandlerConfig[any]{})
		if err != nil {
			t.Fatal(err)
		}
		capped(t, "request", 8<<20, func() {
			if w := serve(handler, post(body)); w.Code != want {
				t.Errorf("%d bytes: status %d, want %d", len(body), w.Code, want)
			}
		})
		caller := newCaller(t, httpconn.CallerConfig[order]{}, answer(200, `{"price":1,"x":`+body+`}`))
		capped(t, "reply", 16<<20, func() {
			if _, err := caller.Call(t.Context(), order{}); (err == nil) != (want == 200 && len(body) < 200) {
				t.Errorf("%d bytes: %v", len(body), err)
			}
		})
	}
}

// accepting is a caller that takes any value.
type accepting struct{}

func (accepting) Call(context.Context, any) (bool, error) { return true, nil }

// bomb is an answer in gzip that becomes a gigabyte.
func bomb(t *testing.T) http.HandlerFunc {
	t.Helper()
	var member bytes.Buffer
	writer := gzip.NewWriter(&member)
	_, _ = writer.Write(bytes.Repeat([]byte(" "), 1<<20))
	_ = writer.Close()
	body := bytes.Repeat(member.Bytes(), 1<<10)

	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(body)
	}
}

// An answer that becomes too large is given up at the bound.
func TestGzipBombAsAnswer(t *testing.T) {
	caller := newCaller(t, httpconn.CallerConfig[order]{Method: http.MethodGet}, bomb(t))
	capped(t, "reply", 16<<20, func() {
		_, err := caller.Call(t.Context(), order{})
		checkClass(t, err, connector.ClassPermanent)
		if _, ok := errors.AsType[*connector.LimitError](err); !ok {
			t.Errorf("%v", err)
		}
	})
	sink := newSink(t, httpconn.SinkConfig[order]{}, bomb(t))
	capped(t, "answer to a sink", 16<<20, func() {
		if err := sink.Write(t.Context(), numbered(1)); err != nil {
			t.Error(err)
		}
	})
}

// Nothing that comes with the data becomes a header of its own.
func TestHeaderInjection(t *testing.T) {
	t.Parallel()
	const evil = "a\r\nX-Evil: yes\r\n\r\n"
	var got []http.Header
	record := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header)
		answer(200, `{"price":1}`)(w, r)
	})
	message := connector.NewMessage(order{ID: evil, Note: evil}, connector.Fields{ID: evil, Key: evil, Headers: map[string]string{"x": evil}})
	sink := newSink(t, httpconn.SinkConfig[order]{}, record)
	if err := sink.Write(t.Context(), []connector.Message[order]{message}); err != nil {
		t.Error(err)
	}
	caller := newCaller(t, httpconn.CallerConfig[order]{
		Path:  func(o order) []string { return []string{o.ID} },
		Query: func(o order) url.Values { return url.Values{o.Note: {o.Note}} },
	}, record)
	if _, err := caller.Call(t.Context(), message.Value); err != nil {
		t.Error(err)
	}
	target := newSink(t, httpconn.SinkConfig[order]{Target: func(m connector.Message[order]) string { return "http://shop.example/" + m.Value.ID }}, record)
	checkClass(t, target.Write(t.Context(), []connector.Message[order]{message}), connector.ClassPermanent)
	prepared := newSink(t, httpconn.SinkConfig[order]{Prepare: func(r *http.Request, _ []byte, ms []connector.Message[order]) error {
		r.Header.Set("X-Note", ms[0].Value.Note)

		return nil
	}}, record)
	checkClass(t, prepared.Write(t.Context(), []connector.Message[order]{message}), connector.ClassPermanent)
	for _, header := range got {
		if header.Get("X-Evil") != "" {
			t.Errorf("header %v", header)
		}
	}
	if len(got) != 2 {
		t.Errorf("%d requests, want 2", len(got))
	}
	for _, value := range []string{"a\r\nb", "a\nb", "a\x00b", "a\x7fb"} {
		_, err := httpconn.NewCaller[order, quote](httpconn.CallerConfig[order]{URL: "http://shop.example", Header: http.Header{"X": {value}}})
		_, sinkErr := httpconn.NewSink(httpconn.SinkConfig[order]{URL: "http://shop.example", Header: http.Header{"X": {value}}})
		if err == nil || sinkErr == nil {
			t.Errorf("%q: %v, %v", value, err, sinkErr)
		}
	}
	// On the way back, what is written into a header stays within it.
	w := serve(newHandler(t, httpconn.HandlerConfig[order]{}, price), post(`{}`, "X-Request-ID", "a\r\nX-Evil: yes"))
	if w.Header().Get("X-Evil") != "" || strings.ContainsAny(w.Header().Get("X-Request-ID"), "\r\n") {
		t.Errorf("header %v", w.Header())
	}
}

// rawAnswers sends text to a server as it is, and returns the answers until the server
// closes the connection, or until it has answered as often as asked.
func rawAnswers(t *testing.T, handler http.Handler, text string, most int) []*http.Response {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config = httpconn.NewServer("", handler)
	server.Start()
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	var answers []*http.Response
	for len(answers) < most {
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			return answers
		}
		_, _ = io.Copy(io.Discard, response.Body)
		answers = append(answers, response)
	}

	return answers
}

// What stands behind the end of a request that has two is never served as another one.
func TestSmuggledRequest(t *testing.T) {
	t.Parallel()
	const (
		first    = "POST /first HTTP/1.1\r\nHost: shop.example\r\n"
		smuggled = "GET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n"
	)
	length := fmt.Sprintf("Content-Length: %d\r\n", len("0\r\n\r\n")+len(smuggled))
	for name, c := range map[string]struct {
		text   string
		status int
	}{
		"a length and chunks": {first + length + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, 200},
		"chunks and a length": {first + "Transfer-Encoding: chunked\r\n" + length + "\r\n0\r\n\r\n" + smuggled, 200},
		"two lengths":         {first + "Content-Length: 0\r\n" + length + "\r\n" + smuggled, 400},
		"a signed length":     {first + "Content-Length: +5\r\n\r\nhello" + smuggled, 400},
		"a list of lengths":   {first + "Content-Length: 5, 5\r\n\r\nhello" + smuggled, 400},
		"an odd encoding":     {first + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled, 501},
		"two encodings":       {first + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + smuggled, 501},
		"a list of encodings": {first + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + smuggled, 501},
		"a space before it":   {first + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled, 400},
		"a folded line":       {first + "X: a\r\n b\r\n" + length + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + smuggled, 200},
		"a bare CR":           {first + "X: a\rTransfer-Encoding: chunked\r\n\r\n" + smuggled, 400},
		"a NUL":               {first + "X: a\x00b\r\n\r\n" + smuggled, 400},
	} {
		var served []string
		answers := rawAnswers(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			served = append(served, r.URL.Path)
			_, _ = io.Copy(io.Discard, r.Body)
		}), c.text, 10)
		if len(answers) != 1 || answers[0].StatusCode != c.status || !answers[0].Close {
			t.Errorf("%s: %d answers: %+v", name, len(answers), answers)
		}
		if strings.Contains(strings.Join(served, " "), "smuggled") {
			t.Errorf("%s: served %v", name, served)
		}
	}
	// Requests whose end is plain share a connection.
	plain := "POST /first HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5\r\n\r\nhello"
	if answers := rawAnswers(t, http.NotFoundHandler(), plain+plain, 2); len(answers) != 2 {
		t.Errorf("%d answers to two requests", len(answers))
	}
}

// pipe is a listener of one connection.
type pipe chan net.Conn

func (p pipe) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}

	return nil, net.ErrClosed
}

func (p pipe) Close() error   { return nil }
func (p pipe) Addr() net.Addr { return &net.TCPAddr{} }

// A header that comes byte by byte is given up after 5 s, and so is a client that says
// nothing at all.
func TestServerSlowHeader(t *testing.T) {
	t.Parallel()
	for _, pause := range []time.Duration{time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			listener := make(pipe, 1)
			listener <- far
			server := httpconn.NewServer("", http.NotFoundHandler())
			ended := make(chan error, 1)
			go func() { ended <- server.Serve(listener) }()
			go func() {
				for range 100 {
					time.Sleep(pause)
					if _, err := near.Write([]byte("G")); err != nil {
						return
					}
				}
			}()
			begun := time.Now()
			_, _ = io.Copy(io.Discard, near)
			if time.Since(begun) != 5*time.Second {
				t.Errorf("the connection was closed after %v", time.Since(begun))
			}
			_ = near.Close()
			close(listener)
			<-ended
			time.Sleep(2 * time.Hour) // the writer notices
		})
	}
}
