package httpsource

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// parse reads all events of a text.
func parse(text io.Reader, most int) ([]Event, *eventReader, error) {
	r := newEventReader(text, most, "")
	var events []Event
	for {
		event, err := r.next()
		if err != nil {
			return events, r, err
		}
		events = append(events, event)
	}
}

func TestEventReader(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]Event{
		"data: a\n\n":                                        {{"", "message", "a"}},
		"data:a\r\n\r\ndata:  b\r\rdata\n\n":                 {{"", "message", "a"}, {"", "message", " b"}, {"", "message", ""}},
		"data: a\ndata: b\n\n":                               {{"", "message", "a\nb"}},
		"data\ndata\n\n":                                     {{"", "message", "\n"}},
		"\uFEFFdata: a\n\n":                                  {{"", "message", "a"}},
		"data: \uFEFFa\n\n":                                  {{"", "message", "\uFEFFa"}},
		": comment\n\ndata: a\n\n":                           {{"", "message", "a"}},
		"event: add\ndata: a\n\ndata: b\n\n":                 {{"", "add", "a"}, {"", "message", "b"}},
		"event: add\n\ndata: b\n\n":                          {{"", "message", "b"}},
		"id: 1\ndata: a\n\ndata: b\n\n":                      {{"1", "message", "a"}, {"1", "message", "b"}},
		"id: 1\ndata: a\n\nid\ndata: b\n\n":                  {{"1", "message", "a"}, {"", "message", "b"}},
		"id: 1\n\ndata: b\n\n":                               {{"1", "message", "b"}},
		"id: 1\x002\ndata: a\n\n":                            {{"", "message", "a"}},
		"id: 1\x01\ndata: a\n\n":                             {{"", "message", "a"}},
		"other: x\ndata: a\nnothing\n\n":                     {{"", "message", "a"}},
		"data: a\n\ndata: torn":                              {{"", "message", "a"}},
		"data: a\n\ndata: torn\n":                            {{"", "message", "a"}},
		"data: \xff\nevent: \xfe\n\n":                        {{"", "\uFFFD", "\uFFFD"}},
		"retry: 5\ndata: a\n\n":                              {{"", "message", "a"}},
		"id: " + strings.Repeat("x", 1025) + "\ndata: a\n\n": {{"", "message", "a"}},
		"": nil, "\n\n\n": nil, "id: 1\n": nil,
	} {
		for name, reader := range map[string]io.Reader{"whole": strings.NewReader(text), "byte by byte": iotest.OneByteReader(strings.NewReader(text))} {
			got, _, err := parse(reader, 1<<20)
			if fmt.Sprint(got) != fmt.Sprint(want) || !errors.Is(err, io.EOF) {
				t.Errorf("%q, %s: %q, want %q: %v", text, name, got, want, err)
			}
		}
	}
}

// The bound holds for an event, however many lines it has, and for a comment.
func TestEventBound(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"data:" + strings.Repeat("x", 15) + "\n\n":                                true,
		"data:" + strings.Repeat("x", 16) + "\n\n":                                false,
		strings.Repeat("data:\n", 4) + "\n" + strings.Repeat("data:\n", 4) + "\n": true,
		strings.Repeat("data:\n", 5) + "\n":                                       false,
		strings.Repeat(":"+strings.Repeat("x", 19)+"\n", 9) + "data\n\n":          true,
		":" + strings.Repeat("x", 20) + "\n":                                      false,
		strings.Repeat("x", 21):                                                   false,
	} {
		_, _, err := parse(strings.NewReader(text), 20)
		if limit, is := errors.AsType[*connector.LimitError](err); is == ok || is && (limit.Size != 21 || connector.ClassOf(err) != connector.ClassPermanent) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestEventRetry(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"": 3 * time.Second, "retry: 5000\n": 5 * time.Second, "retry: 0\n": 100 * time.Millisecond,
		"retry: 99999999\n": time.Minute, "retry: soon\n": 3 * time.Second, "retry: -5\n": 3 * time.Second,
		"retry: 1000\nretry: x\n": time.Second,
	} {
		_, r, _ := parse(strings.NewReader(text), 100)
		if got := r.wait(3*time.Second, time.Minute); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// FuzzEvents takes any stream: it is read the same in one piece and byte by byte, and what
// it keeps can be sent back and is within the bound.
func FuzzEvents(f *testing.F) {
	for _, seed := range []string{"data: a\n\n", "id: 1\r\ndata\r\n\r\n", ":\n\nretry: 1\revent: x\rdata: \xff\r\r", "\uFEFFid:\x00\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const most = 64
		events, r, err := parse(strings.NewReader(text), most)
		slowly, _, slowErr := parse(iotest.OneByteReader(strings.NewReader(text)), most)
		if fmt.Sprint(events) != fmt.Sprint(slowly) || fmt.Sprint(err) != fmt.Sprint(slowErr) {
			t.Errorf("%q: %v, %v in one piece; %v, %v byte by byte", text, events, err, slowly, slowErr)
		}
		for _, e := range append(events, Event{ID: r.last}) {
			if !sendable([]byte(e.ID)) || len(e.Data) > 3*most { // U+FFFD is longer than what it replaces
				t.Errorf("%q: %+v", text, e)
			}
		}
	})
}
