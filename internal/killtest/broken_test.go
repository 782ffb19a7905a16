package killtest_test

import (
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/internal/killtest"
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
)

// TestBroken plants losses and wants each of them caught.
func TestBroken(t *testing.T) {
	for _, target := range broken {
		t.Run(target.Name, func(t *testing.T) {
			complaints := strings.Join(killtest.Verdict(t, target), "\n")
			if !strings.Contains(complaints, "is lost") && !strings.Contains(complaints, "ends as") {
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
