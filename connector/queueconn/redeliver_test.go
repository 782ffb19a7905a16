package queueconn_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/queueconn"
)

func TestAMessageWithoutIDGetsOneThatStays(t *testing.T) {
	both(t, queueconn.Config{}, func(t *testing.T, q *queueconn.Queue[string]) {
		if err := q.Write(t.Context(), []connector.Message[string]{{Value: "a"}, {Value: "b"}}); err != nil {
			t.Fatal(err)
		}
		r := reader(t, q)
		first := read(t, r, 2)
		settle(t, r, refused, first...)
		again := read(t, r, 2)
		if len(first[0].ID()) != 36 || first[0].ID() == first[1].ID() || first[0].ID() != again[0].ID() {
			t.Errorf("IDs %q and %q, then %q", first[0].ID(), first[1].ID(), again[0].ID())
		}
	})
}

func TestReturnedMessageKeepsItsPlace(t *testing.T) {
	both(t, queueconn.Config{Lease: time.Hour}, func(t *testing.T, q *queueconn.Queue[string]) {
		write(t, q, "a", "b", "c", "d")
		r := reader(t, q)
		first := read(t, r, 2)
		settle(t, r, refused, first[1])
		late := refused
		late.Delay = time.Minute
		settle(t, r, late, first[0])
		wantValues(t, "after the return", read(t, r, 2), "b", "c")
		time.Sleep(time.Minute)
		wantValues(t, "after the delay", read(t, r, 2), "a", "d")
	})
}

func TestReadWakesForDelayAndLease(t *testing.T) {
	both(t, queueconn.Config{Lease: time.Hour}, func(t *testing.T, q *queueconn.Queue[string]) {
		write(t, q, "a", "b")
		r, began := reader(t, q), time.Now()
		got := read(t, r, 2)
		late := refused
		late.Delay = time.Minute
		settle(t, r, late, got[0])
		read(t, r, 1)
		if waited := time.Since(began); waited != time.Minute {
			t.Errorf("the delayed message came after %s", waited)
		}
		wantValues(t, "lost", read(t, r, 1), "b")
		if waited := time.Since(began); waited != time.Hour || q.Lost() != 1 {
			t.Errorf("the lost message came after %s, %d are lost", waited, q.Lost())
		}
	})
}

// Deliveries count, however they end; only those that a stop ended do not.
func TestAttemptsAreDeliveries(t *testing.T) {
	both(t, queueconn.Config{}, func(t *testing.T, q *queueconn.Queue[string]) {
		write(t, q, "a")
		stopped := reader(t, q)
		settle(t, stopped, connector.Settlement{Outcome: connector.Returned, Cause: connector.ErrStopped}, read(t, stopped, 1)...)
		_ = stopped.Close()
		for attempt := 1; attempt <= 10; attempt++ { // the default
			r := reader(t, q)
			if got := read(t, r, 1); got[0].Attempt() != attempt {
				t.Fatalf("attempt %d, want %d", got[0].Attempt(), attempt)
			}
			_ = r.Close() // as the death of the process does
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if got, err := reader(t, q).Read(ctx, 1); len(got) > 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("an eleventh delivery: %v, %v", got, err)
		}
		letters := deadLetters(t, q)
		if len(letters) != 1 || !strings.Contains(letters[0].Cause, "Config.MaxAttempts") {
			t.Errorf("dead letters %+v", letters)
		}
	})
}

func TestDeadLettersAreKeptRedrivenAndDiscarded(t *testing.T) {
	both(t, queueconn.Config{Name: "orders", MaxAttempts: 2}, func(t *testing.T, q *queueconn.Queue[string]) {
		write(t, q, "a", "b", "c")
		kill(t, q)
		wantDepth(t, q, connector.Depth{Dead: 3})
		for i, d := range deadLetters(t, q) {
			want := connector.DeadLetter[string]{
				ID: "id " + string(rune('a'+i)), Stage: "orders", Cause: "refused", Class: "unknown",
				Attempt: 2, Value: string(rune('a' + i)),
			}
			if d.Err == nil || d.Err.Error() != want.Cause {
				t.Errorf("Err is %v", d.Err)
			}
			if d.Err = nil; fmt.Sprint(d) != fmt.Sprint(want) {
				t.Errorf("got %+v, want %+v", d, want)
			}
		}
		n, err := q.Redrive(t.Context(), "id b", "unknown")
		if n != 1 || !errors.Is(err, connector.ErrNotFound) || !strings.Contains(err.Error(), "unknown") {
			t.Errorf("Redrive: %d, %v", n, err)
		}
		wantDepth(t, q, connector.Depth{Ready: 1, Dead: 2})
		if n, err := q.Discard(t.Context(), "id a"); n != 1 || err != nil {
			t.Errorf("Discard: %d, %v", n, err)
		}
		if n, err := q.Redrive(t.Context()); n != 1 || err != nil {
			t.Errorf("Redrive of all: %d, %v", n, err)
		}
		got := read(t, reader(t, q), 5)
		wantValues(t, "redriven", got, "b", "c")
		if got[0].Attempt() != 1 {
			t.Errorf("attempt %d after a redrive", got[0].Attempt())
		}
	})
}

func TestManyDeadLetters(t *testing.T) {
	both(t, queueconn.Config{MaxAttempts: 1}, func(t *testing.T, q *queueconn.Queue[string]) {
		var values []string
		for i := range 700 {
			values = append(values, fmt.Sprintf("%03d", i))
		}
		write(t, q, values...)
		kill(t, q)
		for i, d := range deadLetters(t, q) {
			if d.Value != values[i] {
				t.Fatalf("dead letter %d is %s", i, d.Value)
			}
		}
		if n, err := q.Redrive(t.Context()); n != 700 || err != nil {
			t.Errorf("Redrive: %d, %v", n, err)
		}
		wantDepth(t, q, connector.Depth{Ready: 700})
	})
}

// Neither what stands before nor what stands behind joins a message on its last attempt.
func TestTheLastAttemptIsAlone(t *testing.T) {
	both(t, queueconn.Config{MaxAttempts: 2}, func(t *testing.T, q *queueconn.Queue[string]) {
		write(t, q, "a", "b", "c", "d")
		r := reader(t, q)
		got := read(t, r, 3)
		stopped := connector.Settlement{Outcome: connector.Returned, Cause: connector.ErrStopped}
		settle(t, r, stopped, got[0], got[2])
		settle(t, r, refused, got[1])
		wantValues(t, "before", read(t, r, 9), "a")
		wantValues(t, "on its last attempt", read(t, r, 9), "b")
		wantValues(t, "behind", read(t, r, 9), "c", "d")
	})
}

// The lease ends without a settlement, attempt after attempt.
func TestSilentMessagesDie(t *testing.T) {
	both(t, queueconn.Config{MaxAttempts: 3, Lease: time.Minute}, func(t *testing.T, q *queueconn.Queue[string]) {
		write(t, q, "a", "b", "c")
		r := reader(t, q)
		for range 2 {
			wantValues(t, "together", read(t, r, 5), "a", "b", "c")
			time.Sleep(time.Minute)
		}
		wantValues(t, "alone before the last attempt", read(t, r, 5), "a")
		wantValues(t, "alone before the last attempt", read(t, r, 5), "b")
		time.Sleep(time.Minute)
		wantValues(t, "the last one left", read(t, r, 5), "c")
		dead := deadLetters(t, q)
		if len(dead) != 2 || dead[0].Attempt != 3 || !strings.Contains(dead[0].Cause, "never settled") {
			t.Errorf("dead letters %+v", dead)
		}
	})
}
