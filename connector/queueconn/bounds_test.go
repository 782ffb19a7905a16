package queueconn_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/queueconn"
)

func TestFullQueue(t *testing.T) {
	both(t, queueconn.Config{MaxMessages: 3, MaxAttempts: 1}, func(t *testing.T, q *queueconn.Queue[string]) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := q.Write(ctx, messages("a", "b", "c", "d"))
		partial, ok := errors.AsType[*connector.PartialError](err)
		if !ok || partial.Members[2].Fate != connector.Accepted || partial.Members[3].Fate != connector.NotAttempted {
			t.Fatalf("Write of one too many: %v", err)
		}
		if after, ok := connector.RetryAfter(err); !ok || after <= 0 {
			t.Errorf("Write of one too many: %v, want it throttled", err)
		}
		kill(t, q) // dead letters take room too
		ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := q.Write(ctx, messages("e")); connector.ClassOf(err) != connector.ClassThrottled {
			t.Errorf("Write: %v", err)
		}
		var group sync.WaitGroup
		group.Go(func() { write(t, q, "f") })
		synctest.Wait()
		if _, err := q.Discard(t.Context(), "id b"); err != nil {
			t.Error(err)
		}
		group.Wait()
		wantDepth(t, q, connector.Depth{Ready: 1, Dead: 2})
	})
}

func TestOversizeMessagesFailAlone(t *testing.T) {
	cfg := queueconn.Config{MaxBody: 10, MaxHeaders: 20}
	list := []connector.Message[string]{
		connector.NewMessage("1234567890", connector.Fields{ID: "1234567890", Key: "12345", Headers: map[string]string{"ab": "345"}}),
		connector.NewMessage("", connector.Fields{ID: "1234567890", Key: "12345", Headers: map[string]string{"ab": "3456"}}),
		connector.NewMessage("12345678901", connector.Fields{ID: "x"}),
		connector.NewMessage("last", connector.Fields{ID: "y"}),
	}
	both(t, cfg, func(t *testing.T, q *queueconn.Queue[string]) {
		err := q.Write(t.Context(), list)
		partial, ok := errors.AsType[*connector.PartialError](err)
		if !ok {
			t.Fatalf("Write: %v", err)
		}
		body := connector.Failed
		if !q.Describe().Durable {
			body = connector.Accepted // nothing is encoded
		}
		for i, want := range []connector.Fate{connector.Accepted, connector.Failed, body, connector.Accepted} {
			member := partial.Members[i]
			if member.Fate != want {
				t.Errorf("message %d: %s, %v", i, member.Fate, member.Err)
			}
			if _, limit := errors.AsType[*connector.LimitError](member.Err); want == connector.Failed && !limit {
				t.Errorf("message %d: %v", i, member.Err)
			}
		}
	})
}

func TestFinish(t *testing.T) {
	both(t, queueconn.Config{MaxMessages: 1}, func(t *testing.T, q *queueconn.Queue[string]) {
		write(t, q, "a")
		var group sync.WaitGroup
		group.Go(func() {
			if err := q.Write(t.Context(), messages("b")); connector.ClassOf(err) != connector.ClassPermanent {
				t.Errorf("Write that waited when the queue was finished: %v", err)
			}
		})
		synctest.Wait()
		r := reader(t, q)
		r.(connector.Finisher).Finish()
		group.Wait()
		settle(t, r, delivered, read(t, r, 1)...)
		if _, err := r.Read(t.Context(), 1); !errors.Is(err, io.EOF) {
			t.Errorf("Read: %v, want io.EOF", err)
		}
	})
}

// Finish is about the queue: another Reader ends with it, and not before all is settled.
func TestFinishHoldsForEveryReader(t *testing.T) {
	both(t, queueconn.Config{}, func(t *testing.T, q *queueconn.Queue[string]) {
		write(t, q, "a")
		r, other := reader(t, q), reader(t, q)
		got := read(t, r, 1)
		ended := make(chan error, 1)
		go func() {
			_, err := other.Read(t.Context(), 1)
			ended <- err
		}()
		other.(connector.Finisher).Finish()
		synctest.Wait()
		if len(ended) > 0 {
			t.Errorf("Read ended with %v while the message of another Reader had no outcome", <-ended)
		}
		if err := q.Write(t.Context(), messages("b")); connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("Write: %v", err)
		}
		settle(t, r, delivered, got...)
		wantErr(t, "the other Read", <-ended, io.EOF)
		_, err := r.Read(t.Context(), 1)
		wantErr(t, "Read", err, io.EOF)
	})
}

func TestFinishEndsWithTheLastReader(t *testing.T) {
	both(t, queueconn.Config{}, func(t *testing.T, q *queueconn.Queue[string]) {
		r, other := reader(t, q), reader(t, q)
		r.(connector.Finisher).Finish()
		if _, err := r.Read(t.Context(), 1); !errors.Is(err, io.EOF) {
			t.Fatalf("Read: %v, want io.EOF", err)
		}
		_ = r.Close()
		if err := q.Write(t.Context(), messages("early")); err == nil {
			t.Error("Write worked while the other reader had not been closed")
		}
		_ = other.Close()
		write(t, q, "a")
		again := reader(t, q)
		settle(t, again, delivered, read(t, again, 1)...)
	})
}

// A pipeline that is stopped while the far side of its hop is at work has finished the
// queue and not read it to its end. When it runs again, its near side may write again.
func TestFinishEndsWithTheLastReaderBeforeTheEnd(t *testing.T) {
	both(t, queueconn.Config{}, func(t *testing.T, q *queueconn.Queue[string]) {
		write(t, q, "a")
		r, other := reader(t, q), reader(t, q)
		r.(connector.Finisher).Finish()
		_ = r.Close()
		if err := q.Write(t.Context(), messages("early")); err == nil {
			t.Error("Write worked while the other reader had not been closed")
		}
		_ = other.Close()
		write(t, q, "b")
		again := reader(t, q)
		settle(t, again, delivered, read(t, again, 2)...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := again.Read(ctx, 1)
		wantErr(t, "Read", err, context.DeadlineExceeded)
	})
}

func TestCloseEndsWhatWaits(t *testing.T) {
	both(t, queueconn.Config{MaxMessages: 1}, func(t *testing.T, q *queueconn.Queue[string]) {
		write(t, q, "a")
		r := reader(t, q)
		read(t, r, 1)
		var group sync.WaitGroup
		group.Go(func() {
			_, err := r.Read(t.Context(), 1)
			wantErr(t, "Read", err, connector.ErrClosed)
		})
		group.Go(func() { wantErr(t, "Write", q.Write(t.Context(), messages("b")), connector.ErrClosed) })
		synctest.Wait()
		for range 2 {
			if err := q.Close(); err != nil {
				t.Error(err)
			}
		}
		group.Wait()
		for name, err := range everyCall(t, q, r) {
			wantErr(t, name, err, connector.ErrClosed)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
}

func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

// everyCall makes one call of every method and returns their errors.
func everyCall(t testing.TB, q *queueconn.Queue[string], r connector.Reader[string]) map[string]error {
	t.Helper()
	ctx := t.Context()
	_, open := q.Open(ctx)
	_, depth := q.Depth(ctx)
	_, read := r.Read(ctx, 1)
	_, redrive := q.Redrive(ctx)
	_, discard := q.Discard(ctx)
	var dead error
	for _, dead = range q.Dead(ctx) {
		break
	}

	return map[string]error{
		"Open": open, "Depth": depth, "Read": read, "Redrive": redrive, "Discard": discard, "Dead": dead,
		"Write": q.Write(ctx, messages("x")), "Settle": r.Settle(ctx, nil),
		"Extend": r.(connector.Extender).Extend(ctx, nil), "CheckHealth": q.CheckHealth(ctx),
	}
}

func TestBadCalls(t *testing.T) {
	both(t, queueconn.Config{}, func(t *testing.T, q *queueconn.Queue[string]) {
		r := reader(t, q)
		_, err := r.Read(t.Context(), 0)
		foreign := connector.Settlement{Outcome: connector.Delivered, Position: connector.Position{Partition: "other"}}
		pending := connector.Settlement{Position: connector.Position{Partition: q.Describe().Name[len("queue "):]}}
		for name, err := range map[string]error{
			"Read of none":         err,
			"foreign position":     r.Settle(t.Context(), []connector.Settlement{foreign}),
			"outcome that is none": r.Settle(t.Context(), []connector.Settlement{pending}),
		} {
			if connector.ClassOf(err) != connector.ClassPermanent {
				t.Errorf("%s: %v, want a permanent error", name, err)
			}
		}
	})
}

func TestBadConfig(t *testing.T) {
	cfg := queueconn.Config{
		Name: "a\nb", MaxMessages: -1, MaxBody: -1, MaxHeaders: -1, MaxAttempts: -1, Lease: -1, LockWait: -1,
	}
	_, memory := queueconn.NewMemory[string](cfg)
	_, durable := queueconn.Open[string](filepath.Join(t.TempDir(), "q"), nil, cfg)
	for _, err := range []error{memory, durable} {
		for _, field := range []string{"Name", "MaxMessages", "MaxBody", "MaxHeaders", "MaxAttempts", "Lease", "LockWait"} {
			if err == nil || !strings.Contains(err.Error(), field) {
				t.Errorf("%v does not name %s", err, field)
			}
		}
	}
	if !strings.Contains(durable.Error(), "codec") {
		t.Errorf("%v does not name the codec", durable)
	}
}

// TestNotBeforeIsBounded goes to the bound and beyond it.
func TestNotBeforeIsBounded(t *testing.T) {
	both(t, queueconn.Config{}, func(t *testing.T, q *queueconn.Queue[string]) {
		most := time.Now().Add(365 * 24 * time.Hour)
		at := func(value string, due time.Time) connector.Message[string] {
			return connector.NewMessage(value, connector.Fields{ID: value, NotBefore: due})
		}
		err := q.Write(t.Context(), []connector.Message[string]{at("most", most), at("beyond", most.Add(1)), at("now", time.Time{})})
		partial, ok := errors.AsType[*connector.PartialError](err)
		if !ok || partial.Members[0].Fate != connector.Accepted || partial.Members[1].Fate != connector.Failed ||
			partial.Members[2].Fate != connector.Accepted {
			t.Fatalf("Write: %v", err)
		}
		if e := partial.Members[1].Err; connector.ClassOf(e) != connector.ClassPermanent || !strings.Contains(e.Error(), "365 days") {
			t.Errorf("error %v", e)
		}
		wantDepth(t, q, connector.Depth{Ready: 1, Delayed: 1})
	})
}
