package httpstream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpstream"
	"github.com/millrace-go/millrace/transform"
)

var errSecret = errors.New("secret")

type query = func(*http.Request) iter.Seq2[tick, error]

func newRecords(t *testing.T, q query, config httpstream.RecordsConfig[tick]) *httpstream.Records[tick] {
	t.Helper()
	handler, err := httpstream.NewRecords(q, config)
	if err != nil {
		t.Fatal(err)
	}

	return handler
}

// ticks are n records, the pause between them, and then the error.
func ticks(n int, pause time.Duration, err error) query {
	return func(r *http.Request) iter.Seq2[tick, error] {
		return func(yield func(tick, error) bool) {
			for i := range n {
				if pause > 0 && i > 0 {
					select {
					case <-time.After(pause):
					case <-r.Context().Done():
						yield(tick{}, r.Context().Err())

						return
					}
				}
				if !yield(tick{N: i}, nil) {
					return
				}
			}
			if err != nil {
				yield(tick{}, err)
			}
		}
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	csv, err := transform.NewCSV[struct {
		N int `csv:"n"`
	}](transform.CSVConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []string{"", "{\"n\":0}\n", "{\"n\":0}\n{\"n\":1}\n"} {
		w := httptest.NewRecorder()
		newRecords(t, ticks(n, 0, nil), httpstream.RecordsConfig[tick]{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
		if w.Body.String() != want || w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/x-ndjson" {
			t.Errorf("%d records: %d %q %v", n, w.Code, w.Body, w.Header())
		}
	}
	type row = struct {
		N int `csv:"n"`
	}
	handler, err := httpstream.NewRecords(func(*http.Request) iter.Seq2[row, error] {
		return func(yield func(row, error) bool) { yield(row{7}, nil) }
	}, httpstream.RecordsConfig[row]{Method: http.MethodPost, Format: csv, ContentType: "text/csv"})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", http.NoBody))
	if w.Body.String() != "n\n7\n" || w.Header().Get("Content-Type") != "text/csv" {
		t.Errorf("%q %v", w.Body, w.Header())
	}
}

// Each record arrives when it is there, for longer than the bounds of the server.
func TestRecordsLive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := bounded(t, newRecords(t, ticks(60, time.Minute, nil), httpstream.RecordsConfig[tick]{}))
		begun := time.Now()
		body := get(t, client).Body
		for i := range 60 {
			var n int
			if _, err := fmt.Fscanf(body, "{\"n\":%d}\n", &n); err != nil || n != i || time.Since(begun) != time.Duration(i)*time.Minute {
				t.Fatalf("record %d after %v: %v", n, time.Since(begun), err)
			}
		}
		if rest, err := io.ReadAll(body); err != nil || len(rest) > 0 {
			t.Errorf("%q, %v", rest, err)
		}
	})
}

// What comes closely together is sent together: the first at once, the others every 10 ms.
func TestRecordsFlushes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newAnswer()
		serve(newRecords(t, ticks(101, time.Millisecond, nil), httpstream.RecordsConfig[tick]{}), w, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
		if n := len(w.flushed()); n < 10 || n > 12 || w.flushed()[0] != len("{\"n\":0}\n") || w.flushed()[n-1] != len(w.String()) {
			t.Errorf("%d flushes at %v", n, w.flushed())
		}
		w = newAnswer()
		config := httpstream.RecordsConfig[tick]{FlushInterval: time.Hour}
		serve(newRecords(t, ticks(101, time.Millisecond, nil), config), w, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
		if n := len(w.flushed()); n != 2 {
			t.Errorf("%d flushes at %v", n, w.flushed())
		}
	})
}

// An error before the first record is answered like that of a Handler.
func TestRecordsFails(t *testing.T) {
	t.Parallel()
	for status, q := range map[int]query{
		500: ticks(0, 0, errSecret),
		422: ticks(0, 0, connector.Permanent(errSecret)),
		503: ticks(0, 0, connector.Transient(errSecret)),
		429: ticks(0, 0, connector.Throttled(errSecret, time.Minute)),
	} {
		var seen failures
		w := newAnswer()
		aborted := serve(newRecords(t, q, httpstream.RecordsConfig[tick]{OnError: seen.add}), w, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
		if aborted || w.status != status || w.header.Get("Content-Type") != "application/problem+json" || strings.Contains(w.String(), "secret") {
			t.Errorf("status %d, want %d: %s", w.status, status, w)
		}
		if failure := seen.one(t); !errors.Is(failure.Err, errSecret) || failure.Status != status {
			t.Errorf("reported %+v", failure)
		}
	}
	var seen failures
	panics := func(*http.Request) iter.Seq2[tick, error] { panic("secret") }
	w := newAnswer()
	serve(newRecords(t, panics, httpstream.RecordsConfig[tick]{OnError: seen.add}), w, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	if w.status != 500 || strings.Contains(w.String(), "secret") || !strings.Contains(seen.one(t).Err.Error(), "secret") {
		t.Errorf("status %d: %s", w.status, w)
	}
}

// A client can tell an answer that failed on its way from one that is complete.
func TestRecordsBreaksOff(t *testing.T) {
	t.Parallel()
	for name, q := range map[string]query{
		"an error": ticks(2, 0, errSecret),
		"a panic": func(*http.Request) iter.Seq2[tick, error] {
			return func(yield func(tick, error) bool) {
				yield(tick{0}, nil)
				yield(tick{1}, nil)
				panic("secret")
			}
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			var seen failures
			response := get(t, bounded(t, newRecords(t, q, httpstream.RecordsConfig[tick]{OnError: seen.add})))
			body, err := io.ReadAll(response.Body)
			if string(body) != "{\"n\":0}\n{\"n\":1}\n" || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s: %q, %v", name, body, err)
			}
			synctest.Wait()
			if failure := seen.one(t); failure.Status != http.StatusOK || !strings.Contains(failure.Err.Error(), "secret") {
				t.Errorf("%s: reported %+v", name, failure)
			}
		})
	}
}

// A client that takes nothing is disconnected, and the query ends.
func TestRecordsSlowClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen failures
		records := 0
		endless := func(*http.Request) iter.Seq2[tick, error] {
			return func(yield func(tick, error) bool) {
				for yield(tick{N: 1}, nil) {
					records++
				}
			}
		}
		begun := time.Now()
		handler := newRecords(t, endless, httpstream.RecordsConfig[tick]{OnError: seen.add})
		if aborted := serve(handler, newStuck(), httptest.NewRequest(http.MethodGet, "/", http.NoBody)); !aborted {
			t.Error("the answer was not broken off")
		}
		if time.Since(begun) != 10*time.Second || records != 1 {
			t.Errorf("ended after %v and %d records", time.Since(begun), records)
		}
		if failure := seen.one(t); !errors.Is(failure.Err, os.ErrDeadlineExceeded) {
			t.Errorf("reported %+v", failure)
		}
	})
}

// The query hears of a client that goes away.
func TestRecordsClientGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen failures
		response := get(t, bounded(t, newRecords(t, ticks(2, time.Hour, nil), httpstream.RecordsConfig[tick]{OnError: seen.add})))
		time.Sleep(time.Second)
		_ = response.Body.Close()
		time.Sleep(time.Minute) // the transport waits for a rest
		if failure := seen.one(t); !errors.Is(failure.Err, context.Canceled) {
			t.Errorf("reported %+v", failure)
		}
	})
}

func TestRecordsBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen failures
		client := bounded(t, newRecords(t, ticks(2, time.Minute, nil), httpstream.RecordsConfig[tick]{MaxClients: 2, OnError: seen.add}))
		for n, want := range []int{200, 200, 503} {
			if response := get(t, client); response.StatusCode != want {
				t.Errorf("client %d: status %d", n, response.StatusCode)
			}
		}
		seen.one(t)
		time.Sleep(2 * time.Minute)
		if response := get(t, client); response.StatusCode != http.StatusOK {
			t.Errorf("status %d when the others are done", response.StatusCode)
		}
	})
	w := httptest.NewRecorder()
	newRecords(t, ticks(0, 0, nil), httpstream.RecordsConfig[tick]{}).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", http.NoBody))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET" {
		t.Errorf("status %d, %v", w.Code, w.Header())
	}
}

func TestRecordsConfigErrors(t *testing.T) {
	t.Parallel()
	_, err := httpstream.NewRecords[tick](nil, httpstream.RecordsConfig[tick]{
		Method: "PUT", FlushInterval: -1, WriteTimeout: -1, MaxClients: -1,
	})
	format, _ := transform.NewNDJSON[tick](transform.NDJSONConfig{})
	_, err2 := httpstream.NewRecords(ticks(0, 0, nil), httpstream.RecordsConfig[tick]{Format: format})
	for want, got := range map[string]error{
		"query is nil": err, `Method "PUT"`: err, "FlushInterval is": err, "WriteTimeout is": err, "MaxClients is": err, "ContentType is empty": err2,
	} {
		if got == nil || !strings.Contains(got.Error(), want) {
			t.Errorf("error does not mention %q: %v", want, got)
		}
	}
}
