package queueconn_test

import (
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/queueconn"
)

const testCapacity = 100

func testConfig() queueconn.Config {
	return queueconn.Config{Name: "orders", MaxMessages: testCapacity, MaxAttempts: 3}
}

func harness() conntest.QueueHarness[string] {
	return conntest.QueueHarness[string]{
		Value: func(i int) string { return "value " + strconv.Itoa(i) }, MaxAttempts: 3,
		Capacity: testCapacity, Metadata: true, Virtual: true,
	}
}

func TestMemoryConforms(t *testing.T) {
	h := harness()
	h.New = func(t testing.TB) connector.Queue[string] { return newMemory(t, testConfig()) }
	conntest.TestQueue(t, h)
}

func TestDurableConforms(t *testing.T) {
	var paths sync.Map
	start := func(t testing.TB, path string) connector.Queue[string] {
		q := openAt(t, path, testConfig())
		paths.Store(q, path)

		return q
	}
	h := harness()
	h.New = func(t testing.TB) connector.Queue[string] { return start(t, filepath.Join(t.TempDir(), "orders")) }
	h.Reopen = func(t testing.TB, queue connector.Queue[string]) connector.Queue[string] {
		q := queue.(*queueconn.Queue[string])
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
		path, _ := paths.Load(q)

		return start(t, path.(string))
	}
	conntest.TestQueue(t, h)
}

// textCodec stores text, and refuses to read what begins with an exclamation mark.
type textCodec struct{}

func (textCodec) Append(dst []byte, value string) ([]byte, error) { return append(dst, value...), nil }

func (textCodec) Decode(data []byte) (string, error) {
	if len(data) > 0 && data[0] == '!' {
		return "", errUnreadable
	}

	return string(data), nil
}

func newMemory(t testing.TB, cfg queueconn.Config) *queueconn.Queue[string] {
	t.Helper()
	q, err := queueconn.NewMemory[string](cfg)

	return started(t, q, err)
}

func openAt(t testing.TB, path string, cfg queueconn.Config) *queueconn.Queue[string] {
	t.Helper()
	q, err := queueconn.Open(path, textCodec{}, cfg)

	return started(t, q, err)
}

func started(t testing.TB, q *queueconn.Queue[string], err error) *queueconn.Queue[string] {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})

	return q
}
