package httpconn_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/httpconn"
)

func TestIntakeNotOpen(t *testing.T) {
	t.Parallel()
	intake := newIntake(t, httpconn.IntakeConfig{})
	w := serve(intake, post(`{}`))
	checkProblem(t, w, http.StatusServiceUnavailable)
	if w.Header().Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
	}
	for range 2 { // it can be opened again
		reader := openIntake(t, intake)
		answered := start(intake, post(`{}`))
		settle(t, reader, connector.Settlement{Position: read(t, reader, 1)[0].Position(), Outcome: connector.Delivered})
		if w := answered(); w.Code != http.StatusOK {
			t.Errorf("status %d", w.Code)
		}
		closeReader(t, reader)
		checkProblem(t, serve(intake, post(`{}`)), http.StatusServiceUnavailable)
	}
}

// The last Reader closes while a body is being read.
func TestIntakeClosedDuringBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		intake := newIntake(t, httpconn.IntakeConfig{})
		reader := openIntake(t, intake)
		body, write := io.Pipe()
		request := httptest.NewRequest(http.MethodPost, "/", body)
		request.Header.Set("Content-Type", "application/json")
		answered := start(intake, request)
		synctest.Wait()
		closeReader(t, reader)
		begun := time.Now()
		_, _ = io.WriteString(write, "{}")
		_ = write.Close()
		checkProblem(t, answered(), http.StatusServiceUnavailable)
		if waited := time.Since(begun); waited != 0 {
			t.Errorf("answered after %s", waited)
		}
	})
}

// What waits in line when the last Reader closes is answered at once and is gone.
func TestIntakeClosedBeforeRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		intake := newIntake(t, httpconn.IntakeConfig{})
		reader := openIntake(t, intake)
		begun := time.Now()
		answered := start(intake, post(`{}`, "Idempotency-Key", "first"))
		synctest.Wait()
		closeReader(t, reader)
		checkProblem(t, answered(), http.StatusServiceUnavailable)
		if waited := time.Since(begun); waited != 0 {
			t.Errorf("answered after %s", waited)
		}
		reader = openIntake(t, intake)
		answered = start(intake, post(`{}`, "Idempotency-Key", "second"))
		synctest.Wait()
		if messages := read(t, reader, 10); len(messages) != 1 || messages[0].ID() != "second" {
			t.Errorf("%d messages, the first %s", len(messages), messages[0].ID())
		}
		closeReader(t, reader)
		answered()
	})
}

func TestIntakeReadCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		intake := newIntake(t, httpconn.IntakeConfig{})
		reader := openIntake(t, intake)
		defer closeReader(t, reader)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begun := time.Now()
		messages, err := reader.Read(ctx, 1)
		if len(messages) != 0 || !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Minute {
			t.Errorf("%d messages after %s, error %v", len(messages), time.Since(begun), err)
		}
	})
}

// Readers compete: each message goes to one, and closing one answers its own alone.
func TestIntakeCompetingReaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		intake := newIntake(t, httpconn.IntakeConfig{})
		first, second := openIntake(t, intake), openIntake(t, intake)
		got := make(chan connector.Message[order], 2)
		for _, reader := range []connector.Reader[order]{first, second} {
			go func() {
				messages, err := reader.Read(t.Context(), 1)
				if err != nil || len(messages) != 1 {
					t.Errorf("%d messages, error %v", len(messages), err)

					return
				}
				got <- messages[0]
			}()
		}
		synctest.Wait()
		answers := map[string]func() *httptest.ResponseRecorder{
			"a": start(intake, post(`{}`, "Idempotency-Key", "a")), "b": start(intake, post(`{}`, "Idempotency-Key", "b")),
		}
		ids := []string{(<-got).ID(), (<-got).ID()}
		slices.Sort(ids)
		if !slices.Equal(ids, []string{"a", "b"}) {
			t.Errorf("handed out %v", ids)
		}
		late := start(intake, post(`{}`, "Idempotency-Key", "late"))
		synctest.Wait()
		closeReader(t, first)
		message := read(t, second, 5)[0]
		if message.ID() != "late" {
			t.Errorf("message %s", message.ID())
		}
		settle(t, second, connector.Settlement{Position: message.Position(), Outcome: connector.Delivered})
		if w := late(); w.Code != http.StatusOK {
			t.Errorf("status %d", w.Code)
		}
		closeReader(t, second)
		for _, wait := range answers {
			checkProblem(t, wait(), http.StatusServiceUnavailable)
		}
	})
}

// send posts the order and reads the outcome off the answer.
func send(t testing.TB, source connector.Source[order], value order) connector.Outcome {
	t.Helper()
	body, err := json.Marshal(value)
	if err != nil {
		t.Error(err)
	}
	w := serve(source.(*httpconn.Intake[order]), post(string(body)))
	var receipt struct {
		Outcome string `json:"outcome"`
	}
	if w.Code < http.StatusMultipleChoices {
		if err := json.Unmarshal(w.Body.Bytes(), &receipt); err != nil {
			t.Error(err)
		}
		for _, outcome := range connector.Outcomes {
			if outcome.String() == receipt.Outcome {
				return outcome
			}
		}
		t.Errorf("status %d: %s", w.Code, w.Body)
	}

	return connector.Returned
}

func TestIntakeConformance(t *testing.T) {
	t.Parallel()
	conntest.TestSource(t, conntest.SourceHarness[order]{
		New: func(t testing.TB, _ []order) connector.Source[order] {
			t.Helper()

			return newIntake(t, httpconn.IntakeConfig{Timeout: 24 * time.Hour})
		},
		Feed:    send,
		Value:   func(i int) order { return order{ID: fmt.Sprint(i)} },
		Edges:   []order{{}, {ID: "\x00 \"é\u2028"}, {ID: strings.Repeat("x", 1<<20-100)}},
		Endless: true,
		Virtual: true,
	})
}
