package httpsource_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/connector/httpsource"
	"github.com/millrace-go/millrace/connector/memory"
)

type page struct {
	Items []int  `json:"items"`
	Next  string `json:"next,omitempty"`
}

// feed serves items in pages of two.
type feed struct {
	mu    sync.Mutex // of items and requests, which change while it serves
	items []int
	// link says the next page in a Link header, in place of the body.
	link bool
	// tagged answers 304 for a page that has not changed.
	tagged   bool
	requests []string
	// instead answers the n-th request, from 0.
	instead map[int]http.HandlerFunc
}

func (f *feed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	n, items := len(f.requests), f.items
	f.requests = append(f.requests, r.URL.RequestURI())
	f.mu.Unlock()
	if handle := f.instead[n]; handle != nil {
		handle(w, r)

		return
	}
	from, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
	to := min(from+2, len(items))
	p := page{Items: items[from:to]}
	if to < len(items) {
		if f.link {
			w.Header().Set("Link", fmt.Sprintf(`<?cursor=0>; rel="first", </feed?cursor=%d>; title="a, b"; rel="prefetch next"`, to))
		} else {
			p.Next = strconv.Itoa(to)
		}
	}
	body, _ := json.Marshal(p)
	if f.tagged {
		w.Header().Set("ETag", fmt.Sprintf(`"%v"`, p.Items))
		if r.Header.Get("If-None-Match") == w.Header().Get("ETag") {
			w.WriteHeader(http.StatusNotModified)

			return
		}
	}
	_, _ = w.Write(body)
}

func newPages(t testing.TB, config httpsource.PagesConfig[page, int], handler http.Handler) *httpsource.Pages[page, int] {
	t.Helper()
	if config.Client.Client == nil {
		config.Client.Client = httptest.NewTestServer(t, handler).Client()
	}
	config.Name, config.Items = "feed", func(p page) []int { return p.Items }
	if config.URL == "" {
		config.URL = "http://user:secret@shop.example/feed?limit=2"
	}
	if f, ok := handler.(*feed); !ok || !f.link {
		config.Cursor = func(p page) string { return p.Next }
	}
	pages, err := httpsource.NewPages(config)
	if err != nil {
		t.Fatal(err)
	}

	return pages
}

// drain reads to the end, or to an error.
func drain[T any](t testing.TB, reader connector.Reader[T]) ([]connector.Message[T], error) {
	t.Helper()
	var all []connector.Message[T]
	for {
		messages, err := reader.Read(t.Context(), 10)
		all = append(all, messages...)
		if err != nil {
			return all, err
		}
	}
}

func open[T any](t testing.TB, source connector.Source[T]) connector.Reader[T] {
	t.Helper()
	reader, err := source.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	return reader
}

func closed[T any](t testing.TB, reader connector.Reader[T]) {
	t.Helper()
	if err := reader.Close(); err != nil {
		t.Error(err)
	}
}

func settle[T any](t testing.TB, reader connector.Reader[T], outcome connector.Outcome, messages ...connector.Message[T]) {
	t.Helper()
	var settlements []connector.Settlement
	for _, m := range messages {
		settlements = append(settlements, connector.Settlement{Position: m.Position(), Outcome: outcome})
	}
	if err := reader.Settle(t.Context(), settlements); err != nil {
		t.Fatal(err)
	}
}

func numbers(from, to int) []int {
	var list []int
	for i := from; i <= to; i++ {
		list = append(list, i)
	}

	return list
}

func values[T any](messages []connector.Message[T]) string {
	var list []T
	for _, m := range messages {
		list = append(list, m.Value)
	}

	return fmt.Sprint(list)
}

// TestPagesConformance counts goroutines, so it runs alone.
func TestPagesConformance(t *testing.T) {
	for _, link := range []bool{false, true} {
		for _, store := range []bool{false, true} {
			conntest.TestSource(t, conntest.SourceHarness[int]{
				New: func(t testing.TB, values []int) connector.Source[int] {
					config := httpsource.PagesConfig[page, int]{}
					if store {
						config.Store = memory.NewStore()
					}

					return newPages(t, config, &feed{items: values, link: link})
				},
				Value:   func(i int) int { return i + 1 },
				Virtual: true,
				Once:    store, // opened again it goes on from the last page
			})
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	for _, link := range []bool{false, true} {
		f := &feed{items: numbers(1, 5), link: link}
		pages := newPages(t, httpsource.PagesConfig[page, int]{}, f)
		reader := open(t, pages)
		messages, err := drain(t, reader)
		if !errors.Is(err, io.EOF) || values(messages) != "[1 2 3 4 5]" {
			t.Errorf("%s, %v", values(messages), err)
		}
		for i, m := range messages {
			if want := (connector.Position{Partition: "feed", Offset: int64(i + 1)}); m.Position() != want || m.ID() != want.String() {
				t.Errorf("message %d: %s, position %s", i, m.ID(), m.Position())
			}
		}
		want := "/feed?limit=2 /feed?cursor=2&limit=2 /feed?cursor=4&limit=2"
		if link {
			want = "/feed?limit=2 /feed?cursor=2 /feed?cursor=4"
		}
		if got := strings.Join(f.requests, " "); got != want {
			t.Errorf("asked for %s, want %s", got, want)
		}
		closed(t, reader)
		if caps := pages.Describe(); caps.Name != "GET http://shop.example/feed" || caps.Ordered || caps.Returns {
			t.Errorf("declared %+v", caps)
		}
	}
}

// A page that was not settled to its end comes again, whatever the reader was doing.
func TestPagesCheckpoint(t *testing.T) {
	t.Parallel()
	for _, link := range []bool{false, true} {
		for settled, want := range []string{"[1 2 3 4 5]", "[1 2 3 4 5]", "[3 4 5]", "[3 4 5]", "[5]", "[5]"} {
			store := memory.NewStore()
			f := &feed{items: numbers(1, 5), link: link}
			pages := newPages(t, httpsource.PagesConfig[page, int]{Endpoint: httpsource.Endpoint{Store: store}}, f)
			reader := open(t, pages)
			messages, _ := drain(t, reader)
			settle(t, reader, connector.Delivered, messages[:settled]...)
			settle(t, reader, connector.Delivered, messages[:settled]...) // again is harmless
			closed(t, reader)
			reader = open(t, pages)
			again, err := drain(t, reader)
			if values(again) != want || !errors.Is(err, io.EOF) {
				t.Errorf("link %t, after %d: %s, want %s: %v", link, settled, values(again), want, err)
			}
			if first := again[0].Position().Offset; settled < 5 && first != int64(6-len(again)) {
				t.Errorf("link %t, after %d: the first offset is %d", link, settled, first)
			}
			closed(t, reader)
		}
	}
}

// What went back to the source, and everything after it, is not behind the checkpoint.
func TestPagesReturned(t *testing.T) {
	t.Parallel()
	store := memory.NewStore()
	pages := newPages(t, httpsource.PagesConfig[page, int]{Endpoint: httpsource.Endpoint{Store: store}}, &feed{items: numbers(1, 6)})
	reader := open(t, pages)
	messages, _ := drain(t, reader)
	settle(t, reader, connector.Delivered, messages[:2]...)
	settle(t, reader, connector.Returned, messages[2])
	settle(t, reader, connector.Delivered, messages[3:]...)
	closed(t, reader)
	reader = open(t, pages)
	if again, _ := drain(t, reader); values(again) != "[3 4 5 6]" {
		t.Errorf("%s comes again", values(again))
	}
	closed(t, reader)
}

// Of two readers with one checkpoint, the later one to write fails.
func TestPagesTwoReaders(t *testing.T) {
	t.Parallel()
	config := httpsource.PagesConfig[page, int]{Endpoint: httpsource.Endpoint{Store: memory.NewStore()}}
	pages := newPages(t, config, &feed{items: numbers(1, 6)})
	first, second := open(t, pages), open(t, pages)
	messages, _ := drain(t, first)
	_, _ = drain(t, second)
	settle(t, first, connector.Delivered, messages[:4]...)
	err := second.Settle(t.Context(), []connector.Settlement{{Position: messages[1].Position(), Outcome: connector.Delivered}})
	if !errors.Is(err, connector.ErrConflict) || connector.ClassOf(err) != connector.ClassPermanent {
		t.Errorf("%v", err)
	}
	closed(t, first)
	closed(t, second)
}

// A Put whose answer gets lost is repeated without harm.
func TestPagesLostAnswer(t *testing.T) {
	t.Parallel()
	store := memory.NewStore()
	config := httpsource.PagesConfig[page, int]{Endpoint: httpsource.Endpoint{Store: store}}
	reader := open(t, newPages(t, config, &feed{items: numbers(1, 6)}))
	messages, _ := drain(t, reader)
	store.Script(memory.OpPut, memory.PassThenFail(connector.Ambiguous(errors.New("lost"))))
	settlements := []connector.Settlement{{Position: messages[1].Position(), Outcome: connector.Delivered}}
	if err := reader.Settle(t.Context(), settlements); connector.ClassOf(err) != connector.ClassAmbiguous {
		t.Errorf("%v", err)
	}
	if err := reader.Settle(t.Context(), settlements); err != nil {
		t.Errorf("the repetition: %v", err)
	}
	settle(t, reader, connector.Delivered, messages[3])
	closed(t, reader)
}

// The last page is asked for again after each Poll, with its ETag, and handed out again
// only when it changed.
func TestPagesPoll(t *testing.T) {
	t.Parallel()
	for _, link := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := &feed{items: numbers(1, 3), tagged: true, link: link}
			reader := open(t, newPages(t, httpsource.PagesConfig[page, int]{
				Poll: time.Minute, ID: func(n int) string { return fmt.Sprint("n", n) },
			}, f))
			begun := time.Now()
			var got []connector.Message[int]
			for len(got) < 3 {
				messages, err := reader.Read(t.Context(), 10)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, messages...)
			}
			go func() {
				time.Sleep(5*time.Minute + time.Second)
				f.mu.Lock()
				f.items = numbers(1, 5)
				f.mu.Unlock()
			}()
			for len(got) < 6 {
				messages, err := reader.Read(t.Context(), 10)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, messages...)
			}
			if values(got) != "[1 2 3 3 4 5]" || got[3].ID() != "n3" || got[3].Position() == got[2].Position() {
				t.Errorf("%s: %s %s", values(got), got[3].ID(), got[3].Position())
			}
			if len(f.requests) != 2+5+2 || time.Since(begun) != 6*time.Minute {
				t.Errorf("%d requests in %v", len(f.requests), time.Since(begun))
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if messages, err := reader.Read(ctx, 10); len(messages) > 0 || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s, %v while the source waits", values(messages), err)
			}
			closed(t, reader)
		})
	}
}

// A finished feed that has not changed gives nothing when it is opened again.
func TestPagesUnchanged(t *testing.T) {
	t.Parallel()
	f := &feed{items: numbers(1, 3), tagged: true}
	pages := newPages(t, httpsource.PagesConfig[page, int]{Endpoint: httpsource.Endpoint{Store: memory.NewStore()}}, f)
	for _, want := range []string{"[1 2 3]", "[]", "[3 4 5]"} {
		reader := open(t, pages)
		messages, err := drain(t, reader)
		if values(messages) != want || !errors.Is(err, io.EOF) {
			t.Errorf("%s, want %s: %v", values(messages), want, err)
		}
		settle(t, reader, connector.Delivered, messages...)
		closed(t, reader)
		if want == "[]" {
			f.items = numbers(1, 5)
		}
	}
}

func TestPagesErrors(t *testing.T) {
	t.Parallel()
	write := func(status int, body string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	evil := []string{"Link", `<http://evil.example/>; rel=next`}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		link   bool
		class  connector.Class
	}{
		"not found":         {write(404, ""), false, connector.ClassPermanent},
		"down":              {write(500, ""), false, connector.ClassTransient},
		"busy":              {write(429, "", "Retry-After", "7"), false, connector.ClassThrottled},
		"not JSON":          {write(200, "<html>"), false, connector.ClassPermanent},
		"a name twice":      {write(200, `{"items":[],"items":[1]}`), false, connector.ClassPermanent},
		"not UTF-8":         {write(200, "{\"next\":\"\xff\"}"), false, connector.ClassPermanent},
		"too deep":          {write(200, strings.Repeat("[", 5000)), false, connector.ClassPermanent},
		"too large":         {write(200, `{"items":[`+strings.Repeat(" ", 200)+`]}`), false, connector.ClassPermanent},
		"breaks off":        {write(200, `{"it`, "Content-Length", "10"), false, connector.ClassTransient},
		"unasked 304":       {write(304, ""), false, connector.ClassPermanent},
		"another origin":    {write(200, `{}`, evil...), true, connector.ClassPermanent},
		"a cursor too long": {write(200, `{"next":"`+strings.Repeat("x", 5000)+`"}`), false, connector.ClassPermanent},
	} {
		f := &feed{items: numbers(1, 4), link: c.link, instead: map[int]http.HandlerFunc{1: c.answer}}
		config := httpsource.PagesConfig[page, int]{MaxPage: 100}
		if strings.Contains(name, "cursor") {
			config.MaxPage = 10_000
		}
		reader := open(t, newPages(t, config, f))
		messages, err := drain(t, reader)
		if values(messages) != "[1 2]" || connector.ClassOf(err) != c.class || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %s, class %s: %v", name, values(messages), connector.ClassOf(err), err)
		}
		closed(t, reader)
	}
}

func TestPagesTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "{")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		reader := open(t, newPages(t, httpsource.PagesConfig[page, int]{}, hang))
		begun := time.Now()
		if _, err := reader.Read(t.Context(), 1); connector.ClassOf(err) != connector.ClassTransient || time.Since(begun) != 10*time.Second {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		closed(t, reader)
	})
}

// A feed that always names another page and never has items does not go on for ever.
func TestPagesEmpty(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	endless := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"next":"%d"}`, requests.Add(1))
	})
	reader := open(t, newPages(t, httpsource.PagesConfig[page, int]{}, endless))
	if _, err := reader.Read(t.Context(), 1); connector.ClassOf(err) != connector.ClassPermanent || requests.Load() != 1001 {
		t.Errorf("%d requests: %v", requests.Load(), err)
	}
	closed(t, reader)

	synctest.Test(t, func(t *testing.T) { // with Poll it waits in between
		requests.Store(0)
		reader := open(t, newPages(t, httpsource.PagesConfig[page, int]{Poll: time.Minute}, endless))
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Minute+time.Second)
		defer cancel()
		if _, err := reader.Read(ctx, 1); !errors.Is(err, context.DeadlineExceeded) || requests.Load() != 91 {
			t.Errorf("%d requests: %v", requests.Load(), err)
		}
		closed(t, reader)
	})
}

func TestPagesConfigErrors(t *testing.T) {
	t.Parallel()
	_, err := httpsource.NewPages(httpsource.PagesConfig[page, int]{
		Endpoint:    httpsource.Endpoint{URL: "ftp://x", Timeout: -1, Client: httpconn.ClientConfig{MaxConns: -1, MaxRetryAfter: -1}},
		CursorParam: "c", Poll: -1, MaxPage: -1,
	})
	for _, want := range []string{"Name has 0", "URL is not", "Timeout is", "MaxConns is", "MaxRetryAfter is", "CursorParam has no effect", "Poll is", "MaxPage is", "Items is nil"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not mention %q: %v", want, err)
		}
	}
}

// A checkpoint that cannot be read is an error, not a start from the beginning.
func TestPagesBadCheckpoint(t *testing.T) {
	t.Parallel()
	store := memory.NewStore()
	if _, err := store.Put(t.Context(), "httpsource/feed", []byte("{"), connector.Any, 0); err != nil {
		t.Fatal(err)
	}
	config := httpsource.PagesConfig[page, int]{Endpoint: httpsource.Endpoint{Store: store}}
	pages := newPages(t, config, &feed{})
	if _, err := pages.Open(t.Context()); connector.ClassOf(err) != connector.ClassPermanent {
		t.Errorf("%v", err)
	}
	store.Script(memory.OpGet, memory.Fail(connector.Transient(errors.New("down"))))
	if _, err := pages.Open(t.Context()); connector.ClassOf(err) != connector.ClassTransient {
		t.Errorf("%v", err)
	}
}
