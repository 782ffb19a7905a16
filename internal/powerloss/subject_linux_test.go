package powerloss_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/transform"
)

// subject is a driver whose power is cut.
type subject struct {
	name string
	// open opens what is kept in dir.
	open func(dir string) (writer, error)
	// found tells which messages are there after a restart, with repetitions, and how many
	// bytes of a torn tail were recognised.
	found func(t testing.TB, dir string) (messages []int, torn int)
	// tear leaves half a record behind, as a disk can that wrote the length of a file
	// before its content; nil where no record can be half.
	tear func(t testing.TB, dir string)
}

// writer writes one message at a time; Write returns nil when it is durable. It may be
// called concurrently.
type writer interface {
	Write(ctx context.Context, i int) error
	Close() error
}

var subjects = []subject{
	{"boltstore", openStore, inStore, nil},
	{"queueconn", openQueue, inQueue, nil},
	{"fileconn append", openLines(fileconn.Append), inLines(fileconn.Append), tear(linesName)},
	{"fileconn parts", openLines(fileconn.Parts), inLines(fileconn.Parts), tear("." + linesName + ".part-*.tmp")},
}

type store struct{ *boltstore.Store }

func openStore(dir string) (writer, error) {
	s, err := boltstore.Open(filepath.Join(dir, "store"), boltstore.Config{})

	return store{s}, err
}

func (s store) Write(ctx context.Context, i int) error {
	_, err := s.Put(ctx, strconv.Itoa(i), []byte(padding), connector.Absent, 0)

	return err
}

// padding makes every message as long as one of a user's.
var padding = strings.Repeat("x", 200)

func inStore(t testing.TB, dir string) (list []int, _ int) {
	t.Helper()
	s, err := openStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for e, err := range s.(store).Scan(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		if string(e.Value) != padding {
			t.Errorf("entry %s is %q", e.Key, e.Value)
		}
		list = append(list, number(t, e.Key))
	}

	return list, 0
}

func number(t testing.TB, text string) int {
	t.Helper()
	i, err := strconv.Atoi(text)
	if err != nil {
		t.Error(err)
	}

	return i
}

type queue struct{ *queueconn.Queue[string] }

func openQueue(dir string) (writer, error) {
	q, err := queueconn.Open(filepath.Join(dir, "queue"), transform.JSON[string](), queueconn.Config{})

	return queue{q}, err
}

func (q queue) Write(ctx context.Context, i int) error {
	return q.Queue.Write(ctx, []connector.Message[string]{{Value: strconv.Itoa(i) + padding}})
}

func inQueue(t testing.TB, dir string) (list []int, _ int) {
	t.Helper()
	w, err := openQueue(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	q := w.(queue)
	r, err := q.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	depth, err := q.Depth(t.Context())
	for err == nil && len(list) < depth.Ready {
		var got []connector.Message[string]
		got, err = r.Read(t.Context(), depth.Ready)
		for _, m := range got {
			list = append(list, number(t, strings.TrimSuffix(m.Value, padding)))
		}
	}
	if err != nil {
		t.Fatal(err)
	}

	return list, 0
}

type lines struct{ *fileconn.Sink[string] }

const linesName = "lines"

func openLines(mode fileconn.Mode) func(dir string) (writer, error) {
	return func(dir string) (writer, error) {
		config := fileconn.SinkConfig{Path: filepath.Join(dir, linesName), Mode: mode}
		if mode == fileconn.Parts {
			config.PartRecords = 10
		}
		s, err := fileconn.NewLinesSink(config, transform.LinesConfig{})

		return lines{s}, err
	}
}

func (l lines) Write(ctx context.Context, i int) error {
	return l.Sink.Write(ctx, []connector.Message[string]{{Value: strconv.Itoa(i) + padding}})
}

// inLines lets the next sink recover, and reads what it leaves.
func inLines(mode fileconn.Mode) func(t testing.TB, dir string) ([]int, int) {
	return func(t testing.TB, dir string) (list []int, torn int) {
		t.Helper()
		before := size(t, dir)
		w, err := openLines(mode)(dir)
		if err != nil {
			t.Fatal(err)
		}
		// A value that is refused starts the sink, and writes nothing.
		if err := w.(lines).Sink.Write(t.Context(), []connector.Message[string]{{Value: "\n"}}); err == nil {
			t.Error("a line with a line end was accepted")
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		names, err := filepath.Glob(filepath.Join(dir, linesName+"*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, ".torn") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				list = append(list, number(t, strings.TrimSuffix(line, padding+"\n")))
			}
		}

		return list, before - size(t, dir)
	}
}

func tear(pattern string) func(t testing.TB, dir string) {
	return func(t testing.TB, dir string) {
		t.Helper()
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(names) > 1 {
			t.Fatal(names, err)
		}
		for _, name := range names {
			f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
			if err == nil {
				_, err = f.WriteString(padding[:len(padding)/2])
				err = errors.Join(err, f.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// size adds up the files with lines, whatever they are called.
func size(t testing.TB, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.Contains(e.Name(), linesName) && !strings.HasSuffix(e.Name(), ".torn") {
			total += int(info.Size())
		}
	}

	return total
}
