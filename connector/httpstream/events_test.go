package httpstream_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/httpsource"
	"github.com/millrace-go/millrace/connector/httpstream"
)

func newEvents(t testing.TB, config httpstream.EventsConfig[tick]) *httpstream.Events[tick] {
	t.Helper()
	events, err := httpstream.NewEvents(config)
	if err != nil {
		t.Fatal(err)
	}

	return events
}

// write adds the ticks from one number to another.
func write(t testing.TB, events *httpstream.Events[tick], from, to int) {
	t.Helper()
	var messages []connector.Message[tick]
	for n := from; n <= to; n++ {
		messages = append(messages, connector.NewMessage(tick{N: n}, connector.Fields{}))
	}
	if err := events.Write(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
}

// listen serves one listener until ctx ends.
func listen(ctx context.Context, events http.Handler, header ...string) (*answer, <-chan bool) {
	w, ended := newAnswer(), make(chan bool, 1)
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody).WithContext(ctx)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	go func() { ended <- serve(events, w, r) }()

	return w, ended
}

var ids = regexp.MustCompile(`id: [0-9a-f]{32}-`)

// plain is what was sent, with short ids.
func plain(w *answer) string { return ids.ReplaceAllString(w.String(), "id: ") }

func event(n int) string { return fmt.Sprintf("data: {\"n\":%d}\nid: %d\n\n", n, n) }

const retry = "retry: 3000\n\n"

// TestEventsConformance counts goroutines, so it runs alone.
func TestEventsConformance(t *testing.T) {
	conntest.TestSink(t, conntest.SinkHarness[float64]{
		New: func(t testing.TB) (connector.Sink[float64], func(testing.TB) []float64) {
			events, err := httpstream.NewEvents(httpstream.EventsConfig[float64]{History: 100_000})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			w, ended := listen(ctx, events)
			synctest.Wait()
			t.Cleanup(func() {
				cancel()
				<-ended
			})

			return events, func(testing.TB) []float64 {
				synctest.Wait()
				var list []float64
				for line := range strings.Lines(w.String()) {
					if data, ok := strings.CutPrefix(line, "data: "); ok {
						n, _ := strconv.ParseFloat(strings.TrimSpace(data), 64)
						list = append(list, n)
					}
				}

				return list
			}
		},
		Value:   func(i int) float64 { return float64(i) },
		Bad:     func(int) float64 { return math.NaN() },
		Virtual: true,
	})
}

func TestEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		events := newEvents(t, httpstream.EventsConfig[tick]{})
		write(t, events, 1, 1) // before anyone listens
		ctx, cancel := context.WithCancel(t.Context())
		first, firstEnded := listen(ctx, events)
		synctest.Wait()
		write(t, events, 2, 3)
		second, secondEnded := listen(t.Context(), events)
		synctest.Wait()
		write(t, events, 4, 4)
		time.Sleep(time.Second)
		if want := retry + event(2) + event(3) + event(4); plain(first) != want {
			t.Errorf("the first one got %q, want %q", plain(first), want)
		}
		if want := retry + event(4); plain(second) != want {
			t.Errorf("the second one got %q, want %q", plain(second), want)
		}
		if first.header.Get("Content-Type") != "text/event-stream" || first.header.Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", first.header)
		}
		cancel()
		<-firstEnded
		if err := events.Close(); err != nil {
			t.Error(err)
		}
		if aborted := <-secondEnded; aborted {
			t.Error("Close broke an answer off")
		}
		if err := events.Write(t.Context(), []connector.Message[tick]{{}}); !errors.Is(err, connector.ErrClosed) {
			t.Errorf("a Write that nobody can hear: %v", err)
		}
		if late, _ := listen(t.Context(), events); true {
			synctest.Wait()
			if late.status != http.StatusServiceUnavailable || late.header.Get("Retry-After") == "" {
				t.Errorf("after Close: status %d, %v", late.status, late.header)
			}
		}
		if err := events.Close(); err != nil {
			t.Error(err)
		}
	})
}

// lastID is the id of the last event that was sent.
func lastID(t *testing.T, w *answer) string {
	t.Helper()
	_, after, found := strings.Cut(w.String()[strings.LastIndex(w.String(), "id: "):], "id: ")
	if !found {
		t.Fatal("no id was sent")
	}

	return strings.TrimSpace(after)
}

// A listener that comes back gets what it missed, or is told that it is gone.
func TestEventsComeBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for missed, want := range map[int]string{
			0: "", 1: event(2), 5: event(2) + event(3) + event(4) + event(5) + event(6),
			6: "event: gap\ndata: {\"missed\":1}\nid: 2\n\n" + event(3) + event(4) + event(5) + event(6) + event(7),
		} {
			events := newEvents(t, httpstream.EventsConfig[tick]{History: 5})
			ctx, cancel := context.WithCancel(t.Context())
			first, ended := listen(ctx, events)
			synctest.Wait()
			write(t, events, 1, 1)
			synctest.Wait()
			cancel()
			<-ended
			write(t, events, 2, 1+missed)
			ctx, cancel = context.WithCancel(t.Context())
			again, ended := listen(ctx, events, "Last-Event-ID", lastID(t, first))
			synctest.Wait()
			if plain(again) != retry+want {
				t.Errorf("after %d: %q, want %q", missed, plain(again), retry+want)
			}
			cancel()
			<-ended
		}
	})
}

// An id that means nothing here is a gap of unknown size.
func TestEventsForeignID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, id := range []string{"7", "x-1", strings.Repeat("0", 32) + "-1", "-", strings.Repeat("9", 40)} {
			events := newEvents(t, httpstream.EventsConfig[tick]{})
			write(t, events, 1, 2)
			ctx, cancel := context.WithCancel(t.Context())
			w, ended := listen(ctx, events, "Last-Event-ID", id)
			synctest.Wait()
			write(t, events, 3, 3)
			synctest.Wait()
			if want := retry + "event: gap\ndata: {}\nid: 2\n\n" + event(3); plain(w) != want {
				t.Errorf("%q: %q, want %q", id, plain(w), want)
			}
			cancel()
			<-ended
		}
	})
}

// A listener that is too slow is told what it missed; it holds up nobody.
func TestEventsSlowListener(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		events := newEvents(t, httpstream.EventsConfig[tick]{History: 10, WriteTimeout: time.Hour})
		response := get(t, bounded(t, events))
		fast, ended := listen(t.Context(), events)
		synctest.Wait()
		const most = 20_000
		for n := 1; n <= most; n++ {
			write(t, events, n, n)
			if n%1000 == 0 {
				synctest.Wait()
			}
		}
		synctest.Wait()
		_ = events.Close()
		<-ended
		if got := plain(fast); !strings.HasSuffix(got, event(most)) {
			t.Errorf("the fast one ends with %q", got[len(got)-60:])
		}
		missed, seen := 0, 0
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() {
			var n int
			if _, err := fmt.Sscanf(lines.Text(), `data: {"missed":%d}`, &n); err == nil {
				missed += n
			} else if strings.HasPrefix(lines.Text(), `data: {"n"`) {
				seen++
			}
		}
		if lines.Err() != nil || missed == 0 || seen+missed != most {
			t.Errorf("it got %d and missed %d of %d: %v", seen, missed, most, lines.Err())
		}
	})
}

// A listener that takes nothing at all is disconnected.
func TestEventsDeadListener(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen failures
		events := newEvents(t, httpstream.EventsConfig[tick]{OnError: seen.add, MaxClients: 1})
		ended := make(chan time.Time, 1)
		go func() {
			serve(events, newStuck(), httptest.NewRequest(http.MethodGet, "/", http.NoBody))
			ended <- time.Now()
		}()
		synctest.Wait()
		begun := time.Now()
		write(t, events, 1, 1)
		if at := <-ended; at.Sub(begun) != 10*time.Second {
			t.Errorf("disconnected after %v", at.Sub(begun))
		}
		if failure := seen.one(t); !errors.Is(failure.Err, os.ErrDeadlineExceeded) || failure.Status != http.StatusOK {
			t.Errorf("reported %+v", failure)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		again, _ := listen(ctx, events)
		synctest.Wait()
		if plain(again) != retry {
			t.Errorf("its place was not given back: status %d", again.status)
		}
	})
}

// Events that come closely together are flushed together; a heartbeat comes when there is
// none, for longer than the bounds of the server.
func TestEventsPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		events := newEvents(t, httpstream.EventsConfig[tick]{})
		w, ended := listen(t.Context(), events)
		time.Sleep(time.Second)
		before := len(w.flushed())
		for n := range 100 {
			write(t, events, n, n)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		if n := len(w.flushed()) - before; n < 10 || n > 12 || w.flushed()[len(w.flushed())-1] != len(w.String()) {
			t.Errorf("%d flushes for 100 events within 100 ms", n)
		}
		text := w.String()
		time.Sleep(time.Minute)
		if beats := strings.TrimPrefix(w.String(), text); beats != strings.Repeat(":\n\n", 4) {
			t.Errorf("heartbeats %q", beats)
		}
		_ = events.Close()
		<-ended

		client := bounded(t, newEvents(t, httpstream.EventsConfig[tick]{Retry: time.Second, Heartbeat: time.Minute}))
		body := bufio.NewReader(get(t, client).Body)
		begun := time.Now()
		for range 10 {
			if _, err := body.ReadString(':'); err != nil {
				t.Fatalf("after %v: %v", time.Since(begun), err)
			}
		}
	})
}

func TestEventsRefuses(t *testing.T) {
	t.Parallel()
	events, err := httpstream.NewEvents(httpstream.EventsConfig[string]{
		HistoryBytes: 40,
		Codec:        text{},
		Type:         func(s string) string { kind, _, _ := strings.Cut(s, "|"); return kind },
	})
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{
		"a|" + strings.Repeat("x", 22): "", "a|" + strings.Repeat("x", 23): "over the limit of 40", "gap|x": "taken",
		"a\nb|x": "not one line", "a\rb|x": "not one line", "\xff|x": "not one line", "a|\xff": "not UTF-8",
	} {
		err := events.Write(t.Context(), []connector.Message[string]{connector.NewMessage(value, connector.Fields{ID: "7"})})
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || connector.ClassOf(err) != connector.ClassPermanent) {
			t.Errorf("%q: %v, want %q", value, err, want)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := events.Write(ended, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// text is a codec of plain text.
type text struct{}

func (text) Append(dst []byte, s string) ([]byte, error) { return append(dst, s...), nil }
func (text) Decode(data []byte) (string, error)          { return string(data), nil }

// What Events sends, the source of events reads: line ends of every kind become line
// feeds, and no data can end an event or start a field.
func TestEventsAndSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		events, err := httpstream.NewEvents(httpstream.EventsConfig[string]{Codec: text{}, Type: func(s string) string { return "t" + s[:1] }})
		if err != nil {
			t.Fatal(err)
		}
		config := httpsource.EventsConfig{Endpoint: httpsource.Endpoint{Name: "e", URL: "http://shop.example/"}}
		config.Client.Client = bounded(t, events)
		source, err := httpsource.NewEvents(config)
		if err != nil {
			t.Fatal(err)
		}
		reader, err := source.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for _, c := range []struct{ sent, want string }{
			{"plain", "plain"}, {"a\nb\r\nc\rd", "a\nb\nc\nd"}, {"x\n\ndata: evil\nid: 0", "x\n\ndata: evil\nid: 0"}, {" a ", " a "}, {"a\n", "a\n"},
		} {
			if err := events.Write(t.Context(), []connector.Message[string]{connector.NewMessage(c.sent, connector.Fields{})}); err != nil {
				t.Fatal(err)
			}
			got, err := reader.Read(t.Context(), 1)
			if err != nil || got[0].Value.Data != c.want || got[0].Value.Type != "t"+c.sent[:1] {
				t.Errorf("%q became %+v, %v", c.sent, got, err)
			}
		}
		_ = events.Close()
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestEventsBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen failures
		events := newEvents(t, httpstream.EventsConfig[tick]{MaxClients: 2, OnError: seen.add})
		client := bounded(t, events)
		for n, want := range []int{200, 200, 503} {
			if response := get(t, client); response.StatusCode != want {
				t.Errorf("listener %d: status %d", n, response.StatusCode)
			}
		}
		seen.one(t)
		_ = events.Close()
	})
	w := httptest.NewRecorder()
	newEvents(t, httpstream.EventsConfig[tick]{}).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", http.NoBody))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("status %d", w.Code)
	}
	// Bytes are bounded as well as events.
	synctest.Test(t, func(t *testing.T) {
		size := len("data: {\"n\":1}\n")
		events := newEvents(t, httpstream.EventsConfig[tick]{HistoryBytes: 2 * size})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		first, _ := listen(ctx, events)
		synctest.Wait()
		write(t, events, 1, 1)
		synctest.Wait()
		write(t, events, 2, 4)
		again, _ := listen(ctx, events, "Last-Event-ID", lastID(t, first)[:33]+"1")
		synctest.Wait()
		if want := retry + "event: gap\ndata: {\"missed\":1}\nid: 2\n\n" + event(3) + event(4); plain(again) != want {
			t.Errorf("%q, want %q", plain(again), want)
		}
	})
}

func TestEventsConfigErrors(t *testing.T) {
	t.Parallel()
	_, err := httpstream.NewEvents(httpstream.EventsConfig[tick]{
		History: -1, HistoryBytes: -1, Retry: -1, Heartbeat: -1, FlushInterval: -1, WriteTimeout: -1, MaxClients: -1,
	})
	for _, want := range []string{"History is", "HistoryBytes is", "Retry is", "Heartbeat is", "FlushInterval is", "WriteTimeout is", "MaxClients is"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not mention %q: %v", want, err)
		}
	}
}
