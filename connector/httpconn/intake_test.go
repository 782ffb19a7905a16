package httpconn_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
)

func newIntake(t testing.TB, config httpconn.IntakeConfig) *httpconn.Intake[order] {
	t.Helper()
	intake, err := httpconn.NewIntake[order](config)
	if err != nil {
		t.Fatal(err)
	}

	return intake
}

func openIntake(t testing.TB, intake *httpconn.Intake[order]) connector.Reader[order] {
	t.Helper()
	reader, err := intake.Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}

	return reader
}

// start serves the request on a goroutine and returns its answer later.
func start(handler http.Handler, r *http.Request) func() *httptest.ResponseRecorder {
	done := make(chan *httptest.ResponseRecorder, 1)
	go func() { done <- serve(handler, r) }()

	return func() *httptest.ResponseRecorder { return <-done }
}

func read(t testing.TB, reader connector.Reader[order], most int) []connector.Message[order] {
	t.Helper()
	messages, err := reader.Read(t.Context(), most)
	if err != nil {
		t.Fatal(err)
	}

	return messages
}

func settle(t testing.TB, reader connector.Reader[order], settlements ...connector.Settlement) {
	t.Helper()
	if err := reader.Settle(t.Context(), settlements); err != nil {
		t.Fatal(err)
	}
}

func closeReader(t testing.TB, reader connector.Reader[order]) {
	t.Helper()
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestIntakeAnswersFromOutcome(t *testing.T) {
	t.Parallel()
	secret := errors.New("secret")
	cases := map[string]struct {
		settlement connector.Settlement
		status     int
		retry      string
	}{
		"delivered":          {connector.Settlement{Outcome: connector.Delivered}, 200, ""},
		"duplicate":          {connector.Settlement{Outcome: connector.Duplicate}, 200, ""},
		"filtered":           {connector.Settlement{Outcome: connector.Filtered}, 200, ""},
		"dropped":            {connector.Settlement{Outcome: connector.Dropped}, 202, ""},
		"dead-lettered":      {connector.Settlement{Outcome: connector.DeadLettered, Cause: secret}, 202, ""},
		"returned":           {connector.Settlement{Outcome: connector.Returned, Cause: secret}, 503, "2"},
		"returned stopped":   {connector.Settlement{Outcome: connector.Returned, Cause: connector.ErrStopped}, 503, "2"},
		"returned uncaused":  {connector.Settlement{Outcome: connector.Returned}, 503, "2"},
		"returned delayed":   {connector.Settlement{Outcome: connector.Returned, Cause: secret, Delay: 9 * time.Second}, 503, "9"},
		"returned throttled": {connector.Settlement{Outcome: connector.Returned, Cause: connector.Throttled(secret, time.Minute)}, 503, "60"},
		"returned permanent": {connector.Settlement{Outcome: connector.Returned, Cause: connector.Permanent(secret)}, 422, ""},
		"returned ambiguous": {connector.Settlement{Outcome: connector.Returned, Cause: connector.Ambiguous(secret)}, 504, ""},
		"pending":            {connector.Settlement{}, 500, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen failures
			intake := newIntake(t, httpconn.IntakeConfig{RetryAfter: 1100 * time.Millisecond, OnError: seen.add})
			reader := openIntake(t, intake)
			defer closeReader(t, reader)
			answered := start(intake, post(`{"id":"7"}`, "Idempotency-Key", "key-1"))
			message := read(t, reader, 10)[0]
			c.settlement.Position = message.Position()
			settle(t, reader, c.settlement)
			settle(t, reader, c.settlement) // again is harmless
			w := answered()
			if got := w.Header().Get("Retry-After"); got != c.retry {
				t.Errorf("Retry-After %q, want %q", got, c.retry)
			}
			if c.status > 299 {
				checkProblem(t, w, c.status)
				if failure := seen.last(t); failure.Status != c.status || failure.Err == nil {
					t.Errorf("the hook got %+v", failure)
				}

				return
			}
			want := fmt.Sprintf(`{"id":"key-1","outcome":%q}`, c.settlement.Outcome)
			if w.Code != c.status || w.Body.String() != want {
				t.Errorf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
		})
	}
}

func TestIntakeMessage(t *testing.T) {
	t.Parallel()
	intake := newIntake(t, httpconn.IntakeConfig{Name: "orders", Headers: []string{"x-tenant", "Accept-Language"}})
	reader := openIntake(t, intake)
	first := post(`{"id":"7","note":"n"}`, "X-Tenant", "north", "Authorization", "secret")
	first.Header.Add("X-Tenant", "south")
	answered := []func() *httptest.ResponseRecorder{
		start(intake, first),
	}
	message := read(t, reader, 1)[0]
	answered = append(answered, start(intake, post(`{}`)))
	second := read(t, reader, 1)[0]
	if (message.Value != order{ID: "7", Note: "n"}) || message.Position() != (connector.Position{Partition: "orders", Offset: 1}) ||
		second.Position().Offset != 2 {
		t.Errorf("value %+v at %s, then %s", message.Value, message.Position(), second.Position())
	}
	want := map[string]string{"x-tenant": "north, south"}
	if got := maps.Collect(message.Headers()); !maps.Equal(got, want) {
		t.Errorf("headers %v, want %v", got, want)
	}
	if len(message.ID()) != 36 || message.ID() == second.ID() || message.Time().IsZero() {
		t.Errorf("IDs %q and %q, time %s", message.ID(), second.ID(), message.Time())
	}
	closeReader(t, reader)
	for _, wait := range answered {
		checkProblem(t, wait(), http.StatusServiceUnavailable)
	}
}

// A client that goes away changes nothing for its message.
func TestIntakeClientGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen failures
		intake := newIntake(t, httpconn.IntakeConfig{MaxWaiting: 1, OnError: seen.add})
		reader := openIntake(t, intake)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://shop.example/", strings.NewReader(`{"id":"7"}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		if _, err := httptest.NewTestServer(t, intake).Client().Do(request); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the client got %v", err)
		}
		synctest.Wait()
		if failure := seen.last(t); failure.Status != 499 {
			t.Errorf("the hook got %+v", failure)
		}
		checkProblem(t, serve(intake, post(`{}`)), http.StatusServiceUnavailable)
		message := read(t, reader, 1)[0]
		if message.Value.ID != "7" {
			t.Errorf("message %+v", message.Value)
		}
		settle(t, reader, connector.Settlement{Position: message.Position(), Outcome: connector.Delivered})
		closeReader(t, reader)
	})
}

// Many clients at once over a real connection: every answer belongs to its own message.
func TestIntakeConcurrently(t *testing.T) {
	t.Parallel()
	intake := newIntake(t, httpconn.IntakeConfig{})
	reader := openIntake(t, intake)
	client := httptest.NewTestServer(t, intake).Client()
	const n = 200
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			response, err := client.Post("http://shop.example/", "application/json", strings.NewReader(fmt.Sprintf(`{"id":"%d"}`, i)))
			if err != nil {
				t.Error(err)

				return
			}
			defer response.Body.Close()
			want := http.StatusOK
			if i%2 == 1 {
				want = http.StatusUnprocessableEntity
			}
			if response.StatusCode != want {
				t.Errorf("request %d: status %d, want %d", i, response.StatusCode, want)
			}
		})
	}
	for seen := 0; seen < n; {
		for _, m := range read(t, reader, 16) {
			s := connector.Settlement{Position: m.Position(), Outcome: connector.Delivered}
			if last := m.Value.ID[len(m.Value.ID)-1]; last%2 == 1 {
				s.Outcome, s.Cause = connector.Returned, connector.Permanent(errors.New("odd"))
			}
			settle(t, reader, s)
			seen++
		}
	}
	group.Wait()
	closeReader(t, reader)
}

func TestIntakeDeclares(t *testing.T) {
	t.Parallel()
	intake := newIntake(t, httpconn.IntakeConfig{Name: "orders"})
	if got := connector.Describe(intake); got != (connector.Capabilities{Name: "intake orders", Returns: true, Answers: true}) {
		t.Errorf("describes %+v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := intake.Open(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("open with an ended context: %v", err)
	}
}
