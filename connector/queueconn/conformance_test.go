package queueconn_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/queueconn"
)

const (
	testCapacity = 100
	testBody     = 5000
	testHeaders  = 4000
)

func testConfig() queueconn.Config {
	return queueconn.Config{
		Name: "orders", MaxMessages: testCapacity, MaxAttempts: 3, MaxBody: testBody, MaxHeaders: testHeaders,
	}
}

func harness() conntest.QueueHarness[string] {
	return conntest.QueueHarness[string]{
		Value: func(i int) string { return "value " + strconv.Itoa(i) }, MaxAttempts: 3,
		Capacity: testCapacity, Metadata: true, MaxHeaders: testHeaders, Virtual: true,
		Edges: []string{"", "\x00", "\xff\xfe", " ", "\n", strings.Repeat("x", testBody)},
		Dead: func(t testing.TB, queue connector.Queue[string]) []connector.DeadLetter[string] {
			return deadLetters(t, queue.(*queueconn.Queue[string]))
		},
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
	h.Bad = func(i int) string { return strings.Repeat("x", testBody+1+i) }
	h.Reopen = func(t testing.TB, queue connector.Queue[string]) connector.Queue[string] {
		path, _ := paths.Load(queue)

		return start(t, afterCrash(t, path.(string)))
	}
	conntest.TestQueue(t, h)
}

// afterCrash copies the files of a queue that is still open, as the death of the process
// leaves them, and returns the path of the copy.
func afterCrash(t testing.TB, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), filepath.Base(path))
	for _, suffix := range []string{"", ".attempts"} {
		data, err := os.ReadFile(path + suffix)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if err == nil {
			err = os.WriteFile(to+suffix, data, 0o600)
		}
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}

	return to
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
