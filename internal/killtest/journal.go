package killtest

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/millrace-go/millrace/connector"
)

// journal is a source of the numbers from 0 to n that outlives its process: what is
// settled is noted in a file, and everything else is handed out again. The page cache
// survives a SIGKILL, so it needs no sync and leaves the time to the driver under test.
type journal struct {
	file    *os.File
	waiting []int
}

const settledSize = 4

// Journal is a source of the numbers from 0 to n that remembers in dir which of them were
// settled, over the death of its process.
func Journal(dir string, n int) (connector.Source[int], error) { return openJournal(dir, n) }

func openJournal(dir string, n int) (*journal, error) {
	path := filepath.Join(dir, "settled")
	data, err := os.ReadFile(path) //nolint:gosec // the directory of the test
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	settled := make(map[int]bool)
	for ; len(data) >= settledSize; data = data[settledSize:] {
		settled[int(binary.BigEndian.Uint32(data))] = true
	}
	j := &journal{}
	for i := range n {
		if !settled[i] {
			j.waiting = append(j.waiting, i)
		}
	}
	j.file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600) //nolint:gosec // the same

	return j, err
}

// Open implements connector.Source.
func (j *journal) Open(context.Context) (connector.Reader[int], error) { return j, nil }

// Describe implements connector.Describer.
func (j *journal) Describe() connector.Capabilities {
	return connector.Capabilities{Name: "journal", Returns: true}
}

// Read implements connector.Reader.
func (j *journal) Read(ctx context.Context, limit int) ([]connector.Message[int], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n := min(limit, len(j.waiting))
	if n == 0 {
		return nil, io.EOF
	}
	list := make([]connector.Message[int], n)
	for i, m := range j.waiting[:n] {
		list[i] = connector.NewMessage(m, connector.Fields{
			ID: "m" + strconv.Itoa(m), Position: connector.Position{Partition: "journal", Offset: int64(m)},
		})
	}
	j.waiting = j.waiting[n:]

	return list, nil
}

// Settle implements connector.Reader. A message that comes back fails the run: nothing in
// these flows may fail.
func (j *journal) Settle(_ context.Context, settlements []connector.Settlement) error {
	var data []byte
	for _, s := range settlements {
		if !s.Outcome.Done() {
			return connector.Permanent(fmt.Errorf("message %d came back: %w", s.Position.Offset, s.Cause))
		}
		data = binary.BigEndian.AppendUint32(data, uint32(s.Position.Offset))
	}
	_, err := j.file.Write(data)

	return err
}

// Close implements connector.Reader.
func (j *journal) Close() error { return j.file.Close() }
