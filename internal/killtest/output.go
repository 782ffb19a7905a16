package killtest

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

const outputName = "output"

// output is the effect at the end of a flow: a line in a file for each message. The page
// cache survives a SIGKILL.
type output[T any] struct {
	file *os.File
}

func openOutput[T any](dir string) (*output[T], error) {
	path := filepath.Join(dir, outputName)
	data, err := os.ReadFile(path) //nolint:gosec // the directory of the test
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600) //nolint:gosec // the same
	if err != nil {
		return nil, err
	}
	// A kill can end a write between two pages of the cache; such a Write did not return.
	return &output[T]{file}, file.Truncate(int64(bytes.LastIndexByte(data, '\n') + 1))
}

// Write implements connector.Sink.
func (o *output[T]) Write(_ context.Context, messages []connector.Message[T]) error {
	var data []byte
	for _, m := range messages {
		line, err := json.Marshal(m.Value)
		if err != nil {
			return connector.Permanent(err)
		}
		data = append(append(data, line...), '\n')
	}
	_, err := o.file.Write(data)

	return err
}

// effects reads what all runs on a directory have written.
func effects[T any](t testing.TB, dir string) []T {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, outputName))
	if err != nil {
		t.Fatal(err)
	}
	var list []T
	for line := range strings.Lines(string(data)) {
		var value T
		if err := json.Unmarshal([]byte(line), &value); err != nil {
			t.Fatalf("output %q: %v", line, err)
		}
		list = append(list, value)
	}

	return list
}

// chunk keeps the programs from doing everything at once.
const chunk = 8

// Complete runs a pipeline to its end and checks its ledger: it balances, and nothing came
// back or is in flight.
func Complete(ctx context.Context, name string, ends ...flow.End) error {
	p := flow.New(name, ends...).With(flow.Config{Chunk: chunk, MaxInFlight: 4 * chunk})
	if err := p.Run(ctx); err != nil {
		return err
	}
	l := p.Ledger()
	if s := l.Source; !l.Balanced() || s.InFlight != 0 || s.Returned != 0 || s.Unconfirmed != 0 || l.Derived.InFlight != 0 {
		return fmt.Errorf("the ledger after the end: %v", l)
	}

	return nil
}

// closing closes what was opened for a run, if it can be closed.
func closing(err error, opened any) error {
	if c, ok := opened.(io.Closer); ok {
		return errors.Join(err, c.Close())
	}

	return err
}
