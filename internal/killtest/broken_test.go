package killtest_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/internal/killtest"
	"github.com/millrace-go/millrace/transform"
)

// broken are drivers that break their promise. The harness must find them out.
var broken = slices.Concat(
	killtest.Queue("forgetful", func(string) (connector.Queue[int], error) {
		q, err := queueconn.NewMemory[int](queueconn.Config{})

		return forgetful{q}, err
	}),
	killtest.Store("forgetful", func(string) (connector.Store, error) { return memory.NewStore(), nil })[1:],
	killtest.Sink("eager", func(i int) int { return i }, func(dir string) (connector.Sink[int], error) {
		return &eager{path: filepath.Join(dir, "lines.txt")}, nil
	}, lines),
	killtest.Targets(killtest.Pairs([]killtest.From{file}, []killtest.Into{boastful})),
)

// file is read from its start after each kill.
var file = killtest.From{
	Name: "file",
	Fill: func(dir string, items []killtest.Item) error {
		sink, err := itemSink(filepath.Join(dir, "in.ndjson"))
		if err != nil {
			return err
		}
		var list []connector.Message[killtest.Item]
		for _, it := range items {
			list = append(list, connector.Message[killtest.Item]{Value: it})
		}

		return errors.Join(sink.Write(context.Background(), list), sink.Close())
	},
	Open: func(dir string) (connector.Source[killtest.Item], error) {
		return itemSource(filepath.Join(dir, "in.ndjson"))
	},
}

// boastful is a file that says that it knows what was written before.
var boastful = killtest.Into{
	Name: "boastful file",
	End: func(in flow.Flow[killtest.Item], dir string) (killtest.End, error) {
		sink, err := itemSink(filepath.Join(dir, "out.ndjson"))
		if err != nil {
			return killtest.End{}, err
		}
		caps := sink.Describe()
		caps.Idempotent = true

		return killtest.End{End: in.To(sink), Sink: caps, Close: []io.Closer{sink}}, nil
	},
	Found: func(t testing.TB, dir string) []int {
		t.Helper()
		source, err := itemSource(filepath.Join(dir, "out.ndjson"))
		if err != nil {
			t.Fatal(err)
		}
		var found []int
		for it, err := range flow.From(source).All(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			it.Right(t)
			found = append(found, it.ID)
		}

		return found
	},
}

func itemSink(path string) (*fileconn.Sink[killtest.Item], error) {
	return fileconn.NewNDJSONSink[killtest.Item](fileconn.SinkConfig{Path: path, Mode: fileconn.Append}, transform.NDJSONConfig{})
}

func itemSource(path string) (*fileconn.Source[killtest.Item], error) {
	return fileconn.NDJSON[killtest.Item](fileconn.SourceConfig{Paths: []string{path}}, transform.NDJSONConfig{})
}

// TestBroken plants losses and repetitions and wants each of them caught.
func TestBroken(t *testing.T) {
	for _, target := range broken {
		t.Run(target.Name, func(t *testing.T) {
			complaints := strings.Join(killtest.Verdict(t, target), "\n")
			if !strings.Contains(complaints, "is lost") && !strings.Contains(complaints, "ends as") && !strings.Contains(complaints, "is there") {
				t.Errorf("nothing was found: %q", complaints)
			}
		})
	}
}

// forgetful says that it is durable, and is not.
type forgetful struct{ *queueconn.Queue[int] }

func (forgetful) Describe() connector.Capabilities {
	return connector.Capabilities{Name: "forgetful", Durable: true, Returns: true}
}

// eager accepts messages before it has written them.
type eager struct {
	path string
	held []connector.Message[string]
}

func (e *eager) Write(ctx context.Context, messages []connector.Message[int]) error {
	for _, m := range messages {
		e.held = append(e.held, connector.Derive(m, strconv.Itoa(m.Value)))
	}
	if len(e.held) < 20 {
		return nil
	}

	return e.Flush(ctx)
}

func (e *eager) Flush(ctx context.Context) error {
	sink, err := openFileAt(e.path)
	if err != nil {
		return err
	}
	defer sink.Close()
	held := e.held
	e.held = nil

	return sink.Write(ctx, held)
}
