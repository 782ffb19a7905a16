package httpsource_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpsource"
)

// flood sends the same bytes, 32 MiB of them, or until the client goes away. More would
// measure what the network between them holds.
func flood(text string, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		block := bytes.Repeat([]byte(text), 64<<10/len(text))
		for range 512 {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
}

// Answers that never end, or become too large, are given up at their bounds, in little
// memory and time.
func TestFloods(t *testing.T) {
	var member bytes.Buffer
	writer := gzip.NewWriter(&member)
	_, _ = writer.Write(bytes.Repeat([]byte(" "), 1<<20))
	_ = writer.Close()
	bomb := bytes.Repeat(member.Bytes(), 1<<10)
	events, _ := newEvents(t, nil, flood("x", "text/event-stream"))
	manyLines, _ := newEvents(t, nil, flood("data: x\n", "text/event-stream"))
	for name, read := range map[string]func() error{
		"a page without an end": func() error {
			reader := open(t, newPages(t, httpsource.PagesConfig[page, int]{}, flood(" ", "application/json")))
			defer closed(t, reader)
			_, err := reader.Read(t.Context(), 1)

			return err
		},
		"a page that is a bomb": func() error {
			reader := open(t, newPages(t, httpsource.PagesConfig[page, int]{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = w.Write(bomb)
			})))
			defer closed(t, reader)
			_, err := reader.Read(t.Context(), 1)

			return err
		},
		"a record without an end": func() error {
			reader := open(t, newRecords(t, httpsource.RecordsConfig[tick]{}, flood("x", "application/x-ndjson")))
			defer closed(t, reader)
			_, err := reader.Read(t.Context(), 1)

			return err
		},
		"an event without an end": func() error {
			reader := open(t, events)
			defer closed(t, reader)
			_, err := reader.Read(t.Context(), 1)

			return err
		},
		"an event of endless lines": func() error {
			reader := open(t, manyLines)
			defer closed(t, reader)
			_, err := reader.Read(t.Context(), 1)

			return err
		},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begun := time.Now()
		err := read()
		took := time.Since(begun)
		runtime.ReadMemStats(&after)
		if _, ok := errors.AsType[*connector.LimitError](err); !ok || connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("%s: %v", name, err)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > mostFlood || took > 30*time.Second {
			t.Errorf("%s: %d bytes allocated, %v", name, grown, took)
		}
	}
}
