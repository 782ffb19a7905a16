package queueconn_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/queueconn"
)

var (
	errUnreadable = errors.New("not readable by this version")
	errRefused    = errors.New("refused")
)

// both runs a test on both kinds of queue, in a bubble with virtual time.
func both(t *testing.T, cfg queueconn.Config, test func(t *testing.T, q *queueconn.Queue[string])) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, newMemory(t, cfg)) })
	})
	t.Run("durable", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, openAt(t, filepath.Join(t.TempDir(), "q"), cfg)) })
	})
}

func write(t testing.TB, q *queueconn.Queue[string], values ...string) {
	t.Helper()
	if err := q.Write(t.Context(), messages(values...)); err != nil {
		t.Fatalf("Write: %v", err)
	}
}

// messages gives each value an ID of its own: the value itself, after "id ".
func messages(values ...string) []connector.Message[string] {
	list := make([]connector.Message[string], len(values))
	for i, v := range values {
		list[i] = connector.NewMessage(v, connector.Fields{ID: "id " + v})
	}

	return list
}

func reader(t testing.TB, q *queueconn.Queue[string]) connector.Reader[string] {
	t.Helper()
	r, err := q.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	return r
}

func read(t testing.TB, r connector.Reader[string], most int) []connector.Message[string] {
	t.Helper()
	got, err := r.Read(t.Context(), most)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}

	return got
}

func settle(t testing.TB, r connector.Reader[string], s connector.Settlement, got ...connector.Message[string]) {
	t.Helper()
	list := make([]connector.Settlement, len(got))
	for i, m := range got {
		list[i] = s
		list[i].Position = m.Position()
	}
	if err := r.Settle(t.Context(), list); err != nil {
		t.Fatalf("Settle: %v", err)
	}
}

var (
	delivered = connector.Settlement{Outcome: connector.Delivered}
	refused   = connector.Settlement{Outcome: connector.Returned, Cause: errRefused}
)

func wantValues(t testing.TB, what string, got []connector.Message[string], want ...string) {
	t.Helper()
	var values []string
	for _, m := range got {
		values = append(values, m.Value)
	}
	if !slices.Equal(values, want) {
		t.Errorf("%s: got %q, want %q", what, values, want)
	}
}

func wantDepth(t testing.TB, q *queueconn.Queue[string], want connector.Depth) {
	t.Helper()
	if got, err := q.Depth(t.Context()); err != nil || got != want {
		t.Errorf("depth %+v, %v, want %+v", got, err, want)
	}
}

func deadLetters(t testing.TB, q *queueconn.Queue[string]) []connector.DeadLetter[string] {
	t.Helper()
	var list []connector.DeadLetter[string]
	for d, err := range q.Dead(t.Context()) {
		if err != nil {
			t.Fatalf("Dead: %v", err)
		}
		list = append(list, d)
	}

	return list
}

// kill returns everything until it is dead.
func kill(t testing.TB, q *queueconn.Queue[string]) {
	t.Helper()
	r := reader(t, q)
	defer r.Close()
	for {
		depth, err := q.Depth(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if depth.Ready == 0 {
			return
		}
		settle(t, r, refused, read(t, r, 10)...)
	}
}
