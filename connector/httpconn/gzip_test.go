package httpconn_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector/httpconn"
)

func newGzip(t testing.TB, next http.Handler, config httpconn.GzipConfig) http.Handler {
	t.Helper()
	handler, err := httpconn.NewGzip(next, config)
	if err != nil {
		t.Fatal(err)
	}

	return handler
}

func zipped(t testing.TB, body []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	if _, err := writer.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}

	return out.Bytes()
}

func postZipped(body []byte) *http.Request {
	r := post("", "Content-Encoding", "gzip")
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))

	return r
}

func TestGzipRequests(t *testing.T) {
	t.Parallel()
	note := func(n int, text string) []byte {
		return zipped(t, []byte(`{"id":"1","note":"`+strings.Repeat(text, n)+`"}`))
	}
	noise := make([]byte, 20_000)
	for i := range noise { // letters that do not repeat
		noise[i] = 'a' + byte(i*i/7+i/3)%26
	}
	good := note(1, string(noise))
	for name, c := range map[string]struct {
		body   []byte
		config httpconn.GzipConfig
		status int
	}{
		"good":                    {good, httpconn.GzipConfig{}, 200},
		"in two members":          {append(zipped(t, []byte(`{"id":`)), zipped(t, []byte(`"1"}`))...), httpconn.GzipConfig{}, 200},
		"small, at a high ratio":  {note(60_000, "x"), httpconn.GzipConfig{}, 200},
		"a bomb":                  {note(900_000, "x"), httpconn.GzipConfig{}, 413},
		"a bomb that is expected": {note(900_000, "x"), httpconn.GzipConfig{MaxRatio: 2000}, 200},
		"over MaxBody":            {good, httpconn.GzipConfig{MaxBody: len(`{"id":"1","note":""}`) + len(noise) - 1}, 413},
		"as MaxBody":              {good, httpconn.GzipConfig{MaxBody: len(`{"id":"1","note":""}`) + len(noise)}, 200},
		"over the handler's":      {note(1<<20, "x"), httpconn.GzipConfig{MaxRatio: 2000}, 413},
		"not gzip":                {[]byte(`{"id":"1"}`), httpconn.GzipConfig{}, 400},
		"empty":                   {nil, httpconn.GzipConfig{}, 400},
		"torn":                    {good[:len(good)-9], httpconn.GzipConfig{}, 400},
		"a wrong checksum":        {append(good[:len(good)-8:len(good)-8], make([]byte, 8)...), httpconn.GzipConfig{}, 400},
		"thousands of nothings":   {bytes.Repeat(zipped(t, nil), 60_000), httpconn.GzipConfig{MaxBody: 1 << 20}, 413},
	} {
		handler := newGzip(t, newHandler(t, httpconn.HandlerConfig[order]{}, price), c.config)
		w := serve(handler, postZipped(c.body))
		if w.Code != c.status {
			t.Errorf("%s: status %d, want %d: %s", name, w.Code, c.status, w.Body)
		}
		if c.status != http.StatusOK {
			checkProblem(t, w, c.status)
		}
	}
	for _, encoding := range []string{"zstd", "br", "deflate", "gzip, gzip"} {
		r := postZipped(good)
		r.Header.Set("Content-Encoding", encoding)
		if w := serve(newGzip(t, newHandler(t, httpconn.HandlerConfig[order]{}, price), httpconn.GzipConfig{}), r); w.Code != http.StatusUnsupportedMediaType {
			t.Errorf("%s: status %d", encoding, w.Code)
		}
	}
}

// A bomb of a gigabyte costs a few megabytes and no time.
func TestGzipBomb(t *testing.T) {
	bomb := bytes.Repeat(zipped(t, make([]byte, 1<<20)), 1<<10)
	handler := newGzip(t, newHandler(t, httpconn.HandlerConfig[order]{MaxBody: 1 << 30}, price), httpconn.GzipConfig{MaxBody: 1 << 30})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun := time.Now()
	if w := serve(handler, postZipped(bomb)); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", w.Code)
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 || time.Since(begun) > 30*time.Second {
		t.Errorf("%d bytes of gzip cost %d bytes of memory and %v", len(bomb), grown, time.Since(begun))
	}
}

// The deadline of the handler holds for a compressed body too.
func TestGzipSlowBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		handler := newGzip(t, newHandler(t, httpconn.HandlerConfig[order]{Timeout: 5 * time.Second}, price), httpconn.GzipConfig{})
		client := httptest.NewTestServer(t, handler).Client()
		from, to := io.Pipe()
		defer from.Close()
		go func() { _, _ = to.Write(zipped(t, []byte(`{"id":"1"}`))[:5]) }()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://shop.example/", from)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Content-Encoding", "gzip")
		begun := time.Now()
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusRequestTimeout || time.Since(begun) != 5*time.Second {
			t.Errorf("status %d after %v", response.StatusCode, time.Since(begun))
		}
	})
}

func TestGzipAnswers(t *testing.T) {
	t.Parallel()
	body := func(n int) http.HandlerFunc {
		return answer(200, strings.Repeat("x", n), "Content-Type", "text/plain", "ETag", `"a"`)
	}
	in := func(contentType string, header ...string) http.HandlerFunc {
		return answer(200, strings.Repeat("x", 2000), append(header, "Content-Type", contentType)...)
	}
	for name, c := range map[string]struct {
		handle     http.HandlerFunc
		accept     string
		compressed bool
	}{
		"large":              {body(1024), "gzip", true},
		"small":              {body(1023), "gzip", false},
		"empty":              {body(0), "gzip", false},
		"among others":       {body(2000), "br;q=1.0, GZIP;q=0.5", true},
		"not asked for":      {body(2000), "", false},
		"refused":            {body(2000), "gzip;q=0", false},
		"refused at length":  {body(2000), "gzip; q=0.000", false},
		"another":            {body(2000), "br", false},
		"JSON":               {in("application/json"), "gzip", true},
		"a problem":          {in("application/problem+json; charset=utf-8"), "gzip", true},
		"NDJSON":             {in("application/x-ndjson"), "gzip", true},
		"a picture":          {in("image/png"), "gzip", false},
		"SVG":                {in("image/svg+xml"), "gzip", true},
		"events":             {in("text/event-stream"), "gzip", false},
		"already compressed": {in("text/plain", "Content-Encoding", "br"), "gzip", false},
		"a range":            {in("text/plain", "Content-Range", "bytes 0-1999/3000"), "gzip", false},
		"no type":            {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 2000)) }, "gzip", true},
		"in pieces": {func(w http.ResponseWriter, _ *http.Request) {
			for range 2000 {
				_, _ = io.WriteString(w, "x")
			}
		}, "gzip", true},
		"flushed early": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, strings.Repeat("x", 1999))
		}, "gzip", false},
		"flushed late": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat("x", 1999))
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "x")
		}, "gzip", true},
		"nothing at all": {func(http.ResponseWriter, *http.Request) {}, "gzip", false},
	} {
		for range 2 { // the second time with a used writer
			w := serve(newGzip(t, c.handle, httpconn.GzipConfig{}), post("", "Accept-Encoding", c.accept))
			header := w.Result().Header
			if got := header.Get("Content-Encoding") == "gzip"; got != c.compressed {
				t.Errorf("%s: compressed %t, header %v", name, got, header)
			}
			var plain bytes.Buffer
			serveInto(&plain, c.handle)
			data := w.Body.Bytes()
			if c.compressed {
				reader, err := gzip.NewReader(w.Body)
				if err != nil {
					t.Fatal(err)
				}
				if data, err = io.ReadAll(reader); err != nil {
					t.Fatal(err)
				}
				if header.Get("Content-Length") != "" || header.Get("Vary") != "Accept-Encoding" || header.Get("ETag") == `"a"` {
					t.Errorf("%s: header %v", name, header)
				}
			}
			if !bytes.Equal(data, plain.Bytes()) {
				t.Errorf("%s: %d bytes, want %d", name, len(data), plain.Len())
			}
		}
	}
	if w := serve(newGzip(t, in("text/plain"), httpconn.GzipConfig{MinSize: 3000}), post("", "Accept-Encoding", "gzip")); w.Header().Get("Content-Encoding") != "" {
		t.Error("MinSize has no effect")
	}
}

func serveInto(body *bytes.Buffer, handle http.HandlerFunc) {
	w := httptest.NewRecorder()
	w.Body = body
	handle(w, post(""))
}

// Status, interim answers and HEAD are as without compression.
func TestGzipStatus(t *testing.T) {
	t.Parallel()
	for _, code := range []int{200, 201, 204, 304, 404, 500} {
		handler := newGzip(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(code)
			w.WriteHeader(999) // of no effect, as with net/http
		}), httpconn.GzipConfig{})
		client := httptest.NewTestServer(t, handler).Client()
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			r, err := http.NewRequestWithContext(t.Context(), method, "http://shop.example/", nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := response.Body.Close(); err != nil || response.StatusCode != code {
				t.Errorf("%s: status %d, want %d: %v", method, response.StatusCode, code, err)
			}
		}
	}
}

// What a Sink compresses, an Intake behind NewGzip takes.
func TestGzipSinkAndHandler(t *testing.T) {
	t.Parallel()
	var got order
	handler := newGzip(t, newHandler(t, httpconn.HandlerConfig[order]{}, func(_ context.Context, o order) (quote, error) {
		got = o

		return quote{}, nil
	}), httpconn.GzipConfig{})
	sink := newSink(t, httpconn.SinkConfig[order]{Gzip: true}, handler)
	messages := numbered(1)
	messages[0].Value.Note = strings.Repeat("note ", 1000)
	if err := sink.Write(t.Context(), messages); err != nil || got != messages[0].Value {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestGzipConfigErrors(t *testing.T) {
	t.Parallel()
	_, err := httpconn.NewGzip(nil, httpconn.GzipConfig{MinSize: -1, MaxBody: -1, MaxRatio: -1})
	for _, want := range []string{"handler is nil", "MinSize is", "MaxBody is", "MaxRatio is"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not mention %q: %v", want, err)
		}
	}
}
