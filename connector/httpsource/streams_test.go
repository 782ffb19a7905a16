package httpsource_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/connector/httpsource"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/transform"
)

type tick struct {
	N int `json:"n"`
}

func ndjson(t testing.TB) *transform.NDJSON[tick] {
	t.Helper()
	format, err := transform.NewNDJSON[tick](transform.NDJSONConfig{MaxLine: 100})
	if err != nil {
		t.Fatal(err)
	}

	return format
}

func newRecords(t testing.TB, config httpsource.RecordsConfig[tick], handle http.HandlerFunc) *httpsource.Records[tick, tick] {
	t.Helper()
	config.Name, config.URL, config.Format = "ticks", "http://user:secret@shop.example/ticks?all=1", ndjson(t)
	config.Client.Client = httptest.NewTestServer(t, handle).Client()
	records, err := httpsource.NewRecords(config)
	if err != nil {
		t.Fatal(err)
	}

	return records
}

// ticks writes the numbers after the cursor up to n.
func ticks(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		from, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
		for i := from + 1; i <= n; i++ {
			_, _ = fmt.Fprintf(w, `{"n":%d}`+"\n", i)
		}
	}
}

func byNumber(v tick) string { return strconv.Itoa(v.N) }

// TestRecordsConformance counts goroutines, so it runs alone.
func TestRecordsConformance(t *testing.T) {
	for _, resumes := range []bool{false, true} {
		conntest.TestSource(t, conntest.SourceHarness[tick]{
			New: func(t testing.TB, values []tick) connector.Source[tick] {
				config := httpsource.RecordsConfig[tick]{}
				if resumes {
					config.Store, config.Cursor = memory.NewStore(), byNumber
				}

				return newRecords(t, config, ticks(len(values)))
			},
			Value:   func(i int) tick { return tick{N: i + 1} },
			Virtual: true,
			Resumes: resumes,
		})
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	var asked *http.Request
	records := newRecords(t, httpsource.RecordsConfig[tick]{ID: func(v tick) string { return "t" + byNumber(v) }},
		func(w http.ResponseWriter, r *http.Request) {
			asked = r
			ticks(3)(w, r)
		})
	reader := open(t, records)
	messages, err := drain(t, reader)
	if values(messages) != "[{1} {2} {3}]" || !errors.Is(err, io.EOF) || messages[2].ID() != "t3" || messages[2].Position().Offset != 3 {
		t.Errorf("%s, %v", values(messages), err)
	}
	if asked.URL.RequestURI() != "/ticks?all=1" || asked.Header.Get("Accept-Encoding") != "identity" {
		t.Errorf("asked for %s, %v", asked.URL, asked.Header)
	}
	closed(t, reader)
	if caps := records.Describe(); caps.Name != "GET http://shop.example/ticks" || caps.Ordered {
		t.Errorf("declared %+v", caps)
	}
}

// Records are handed out when they arrive, and read no faster than they are taken.
func TestRecordsLive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reader := open(t, newRecords(t, httpsource.RecordsConfig[tick]{}, func(w http.ResponseWriter, r *http.Request) {
			for i := range 100 {
				_, _ = fmt.Fprintf(w, `{"n":%d}`+"\n", i)
				_ = http.NewResponseController(w).Flush()
				select {
				case <-time.After(80 * time.Second):
				case <-r.Context().Done():
					return
				}
			}
		}))
		begun := time.Now()
		for i := range 10 {
			messages, err := reader.Read(t.Context(), 10)
			if err != nil || values(messages) != fmt.Sprintf("[{%d}]", i) || time.Since(begun) != time.Duration(i)*80*time.Second {
				t.Errorf("%v: %s, %v", time.Since(begun), values(messages), err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := reader.Read(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if messages, err := reader.Read(t.Context(), 1); err != nil || values(messages) != "[{10}]" {
			t.Errorf("after a Read that was interrupted: %s, %v", values(messages), err)
		}
		closed(t, reader)
	})
}

// A reader that is busy for long does not count as a service that is silent.
func TestRecordsIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reader := open(t, newRecords(t, httpsource.RecordsConfig[tick]{}, func(w http.ResponseWriter, r *http.Request) {
			ticks(2)(w, r)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}))
		if _, err := reader.Read(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if messages, err := reader.Read(t.Context(), 1); err != nil || values(messages) != "[{2}]" {
			t.Errorf("%s, %v", values(messages), err)
		}
		begun := time.Now()
		_, err := reader.Read(t.Context(), 1)
		if connector.ClassOf(err) != connector.ClassTransient || time.Since(begun) != 90*time.Second || !strings.Contains(err.Error(), "nothing was sent") {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		if _, again := reader.Read(t.Context(), 1); !errors.Is(again, err) {
			t.Errorf("%v, then %v", err, again)
		}
		closed(t, reader)
	})
}

func TestRecordsErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		read   string
		class  connector.Class
	}{
		"a bad record": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "{\"n\":1}\n{\"n\":}\n{\"n\":3}\n")
		}, "[{1}]", connector.ClassPermanent},
		"one too long": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "{\"n\":1}\n"+strings.Repeat("x", 101))
		}, "[{1}]", connector.ClassPermanent},
		"breaks off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "20")
			_, _ = io.WriteString(w, "{\"n\":1}\n{\"n\":2")
		}, "[{1}]", connector.ClassTransient},
		"refused": {http.NotFound, "[]", connector.ClassPermanent},
		"down":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "[]", connector.ClassTransient},
		"unasked": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }, "[]", connector.ClassPermanent},
		"compressed": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write([]byte("{\"n\":1}\n"))
			_ = z.Close()
		}, "[]", connector.ClassPermanent},
	} {
		reader := open(t, newRecords(t, httpsource.RecordsConfig[tick]{}, c.handle))
		messages, err := drain(t, reader)
		if values(messages) != c.read || connector.ClassOf(err) != c.class || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %s, class %s: %v", name, values(messages), connector.ClassOf(err), err)
		}
		closed(t, reader)
	}
}

func TestRecordsTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reader := open(t, newRecords(t, httpsource.RecordsConfig[tick]{}, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		begun := time.Now()
		if _, err := reader.Read(t.Context(), 1); connector.ClassOf(err) != connector.ClassTransient || time.Since(begun) != 10*time.Second {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		closed(t, reader)
	})
}

// A stream that breaks off is gone on with behind the last record that is settled.
func TestRecordsResume(t *testing.T) {
	t.Parallel()
	store := memory.NewStore()
	config := httpsource.RecordsConfig[tick]{Endpoint: httpsource.Endpoint{Store: store}, Cursor: byNumber, CursorParam: "after"}
	var asked []string
	records := newRecords(t, config, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RawQuery)
		query := r.URL.Query()
		query.Set("cursor", query.Get("after"))
		r.URL.RawQuery = query.Encode()
		w.Header().Set("Content-Length", "1000")
		ticks(5)(w, r)
	})
	reader := open(t, records)
	messages, _ := drain(t, reader)
	settle(t, reader, connector.Delivered, messages[:3]...)
	closed(t, reader)
	reader = open(t, records)
	again, err := drain(t, reader)
	if values(again) != "[{4} {5}]" || again[0].Position() != messages[3].Position() || connector.ClassOf(err) != connector.ClassTransient {
		t.Errorf("%s at %s: %v", values(again), again[0].Position(), err)
	}
	if strings.Join(asked, " ") != "all=1 after=3&all=1" {
		t.Errorf("asked for %q", asked)
	}
	closed(t, reader)
}

// Bad records are handed out among the good ones.
func TestRows(t *testing.T) {
	t.Parallel()
	config := httpsource.RecordsConfig[tick]{
		Endpoint: httpsource.Endpoint{Name: "ticks", URL: "http://shop.example/", Store: memory.NewStore()},
		Cursor:   byNumber, Format: ndjson(t),
	}
	config.Client.Client = httptest.NewTestServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "{\"n\":1}\n{\"n\":\"x\"}\n{\"n\":3}\n")
	})).Client()
	rows, err := httpsource.NewRows(config)
	if err != nil {
		t.Fatal(err)
	}
	reader := open(t, rows)
	messages, err := drain(t, reader)
	if len(messages) != 3 || !errors.Is(err, io.EOF) || messages[1].Value.Err == nil || messages[2].Value.Value.N != 3 {
		t.Errorf("%s, %v", values(messages), err)
	}
	settle(t, reader, connector.DeadLettered, messages[:2]...)
	entry, err := config.Store.Get(t.Context(), "httpsource/ticks")
	if err != nil || string(entry.Value) != `{"cursor":"1","offset":1}` {
		t.Errorf("checkpoint %s, %v", entry.Value, err)
	}
	closed(t, reader)
}

func TestStreamConfigErrors(t *testing.T) {
	t.Parallel()
	_, err := httpsource.NewRecords(httpsource.RecordsConfig[tick]{CursorParam: "c", Idle: -1, Endpoint: httpsource.Endpoint{Store: memory.NewStore()}})
	_, err2 := httpsource.NewRecords(httpsource.RecordsConfig[tick]{Cursor: byNumber})
	_, err3 := httpsource.NewEvents(httpsource.EventsConfig{Retry: -1, MaxRetry: -1, MaxEvent: -1, Idle: -1, Endpoint: httpsource.Endpoint{Client: httpconn.ClientConfig{MaxHeader: -1}}})
	for want, got := range map[string]error{
		"Name has": err, "URL is not": err, "CursorParam has no effect": err, "Idle is": err, "Format is nil": err, "Store has no effect": err,
		"Cursor has no effect without Store": err2, "Retry is": err3, "MaxRetry is": err3, "MaxEvent is": err3, "MaxHeader is": err3,
	} {
		if got == nil || !strings.Contains(got.Error(), want) {
			t.Errorf("error does not mention %q: %v", want, got)
		}
	}
}

// eventServer answers each request with the next of its streams, and the last one again
// and again.
type eventServer struct {
	mu      sync.Mutex
	begun   time.Time
	asked   []string
	at      []time.Duration
	streams []http.HandlerFunc
}

func (s *eventServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	n := min(len(s.asked), len(s.streams)-1)
	s.asked, s.at = append(s.asked, r.Header.Get("Last-Event-ID")), append(s.at, time.Since(s.begun))
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream;charset=utf-8")
	s.streams[n](w, r)
}

func send(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

// silent sends the text and nothing more.
func silent(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, text)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
}

func over(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

func newEvents(t testing.TB, store connector.Store, streams ...http.HandlerFunc) (*httpsource.Events, *eventServer) {
	t.Helper()
	server := &eventServer{begun: time.Now(), streams: streams}
	config := httpsource.EventsConfig{Endpoint: httpsource.Endpoint{Name: "prices", URL: "http://user:secret@shop.example/prices", Store: store}}
	config.Client.Client = httptest.NewTestServer(t, server).Client()
	events, err := httpsource.NewEvents(config)
	if err != nil {
		t.Fatal(err)
	}

	return events, server
}

// TestEventsConformance counts goroutines, so it runs alone.
func TestEventsConformance(t *testing.T) {
	for _, stored := range []bool{false, true} {
		conntest.TestSource(t, conntest.SourceHarness[httpsource.Event]{
			New: func(t testing.TB, values []httpsource.Event) connector.Source[httpsource.Event] {
				var store connector.Store
				if stored {
					store = memory.NewStore()
				}
				events, _ := newEvents(t, store, func(w http.ResponseWriter, r *http.Request) {
					from, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
					if from >= len(values) {
						over(w, r)
					}
					for i := from; i < len(values); i++ {
						_, _ = fmt.Fprintf(w, "id: %s\ndata: %s\n\n", values[i].ID, values[i].Data)
					}
				})

				return events
			},
			Value: func(i int) httpsource.Event {
				return httpsource.Event{ID: strconv.Itoa(i + 1), Type: "message", Data: "d"}
			},
			Virtual: true,
			Resumes: stored,
		})
	}
}

// A stream that ends, breaks off or falls silent is gone on with behind its last event,
// after the time that it asked for.
func TestEventsReconnects(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		events, server := newEvents(t, nil,
			send("id: 1\ndata: a\n\nid: 2\ndata: torn"),
			send("retry: 10000\nevent: add\ndata: b\n\nid: 3\n\n"),
			silent("id: 4\ndata: c\n\n:\n\n"),
			send("retry: 999999\n\n"),
			over,
		)
		reader := open(t, events)
		messages, err := drain(t, reader)
		if !errors.Is(err, io.EOF) || values(messages) != "[{1 message a} {1 add b} {4 message c}]" {
			t.Errorf("%s, %v", values(messages), err)
		}
		if got := strings.Join(server.asked, ","); got != ",1,3,4,4" {
			t.Errorf("asked with Last-Event-ID %s", got)
		}
		s := time.Second
		if want := []time.Duration{0, 3 * s, 13 * s, 113 * s, 173 * s}; fmt.Sprint(server.at) != fmt.Sprint(want) {
			t.Errorf("asked at %v, want %v", server.at, want)
		}
		if messages[0].ID() != "prices:1" || messages[2].ID() != "prices:4" || messages[1].ID() != messages[1].Position().String() || messages[1].Header("event") != "add" {
			t.Errorf("ids %s %s %s", messages[0].ID(), messages[1].ID(), messages[2].ID())
		}
		closed(t, reader)
	})
}

func TestEventsResume(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		events, server := newEvents(t, memory.NewStore(), send("id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\n"), over)
		reader := open(t, events)
		messages, _ := drain(t, reader)
		settle(t, reader, connector.Delivered, messages[:2]...)
		closed(t, reader)
		reader = open(t, events)
		_, _ = drain(t, reader)
		closed(t, reader)
		if got := strings.Join(server.asked, ","); got != ",3,2" {
			t.Errorf("asked with Last-Event-ID %s", got)
		}
	})
}

// What is not a stream of events is an error, at first and later.
func TestEventsErrors(t *testing.T) {
	t.Parallel()
	html := func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "text/html") }
	down := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	for name, c := range map[string]struct {
		stream http.HandlerFunc
		class  connector.Class
	}{
		"another type": {html, connector.ClassPermanent},
		"refused":      {http.NotFound, connector.ClassPermanent},
		"down":         {down, connector.ClassTransient},
		"too long":     {send("data: " + strings.Repeat("x", 1<<20)), connector.ClassPermanent},
	} {
		for _, before := range []int{0, 1} {
			synctest.Test(t, func(t *testing.T) {
				streams := append([]http.HandlerFunc{send("data: a\n\n")}[:before], c.stream)
				events, _ := newEvents(t, nil, streams...)
				reader := open(t, events)
				messages, err := drain(t, reader)
				if len(messages) != before || connector.ClassOf(err) != c.class || strings.Contains(err.Error(), "secret") {
					t.Errorf("%s: %s, class %s: %v", name, values(messages), connector.ClassOf(err), err)
				}
				closed(t, reader)
			})
		}
	}
}

// Close ends a reader that waits for the next connection, and one that waits for events.
func TestEventsClose(t *testing.T) {
	t.Parallel()
	for _, stream := range []http.HandlerFunc{send("data: a\n\n"), silent("data: a\n\n")} {
		synctest.Test(t, func(t *testing.T) {
			events, _ := newEvents(t, nil, stream)
			reader := open(t, events)
			if _, err := reader.Read(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			time.Sleep(time.Second)
			closed(t, reader)
			if time.Since(begun) != time.Second {
				t.Errorf("Close took %v", time.Since(begun)-time.Second)
			}
			if _, err := reader.Read(t.Context(), 1); !errors.Is(err, connector.ErrClosed) {
				t.Errorf("Read after Close: %v", err)
			}
		})
	}
}
