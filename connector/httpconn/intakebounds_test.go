package httpconn_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
)

func TestIntakeRefuses(t *testing.T) {
	t.Parallel()
	config := httpconn.IntakeConfig{MaxBody: 20, MaxHeader: 10, Headers: []string{"A", "B"}}
	cases := map[string]struct {
		request func() *http.Request
		status  int
	}{
		"one byte beyond":  {func() *http.Request { return post(`{"id":"123456789012"}`) }, 413},
		"duplicate name":   {func() *http.Request { return post(`{"id":"1","id":"2"}`) }, 400},
		"truncated":        {func() *http.Request { return post(`{"id":`) }, 400},
		"not JSON":         {func() *http.Request { return post(`{}`, "Content-Type", "text/plain") }, 415},
		"GET":              {func() *http.Request { return httptest.NewRequest(http.MethodGet, "/", nil) }, 405},
		"headers too long": {func() *http.Request { return post(`{}`, "A", "12345", "B", "123456") }, 431},
		"header not UTF-8": {func() *http.Request { return post(`{}`, "A", "\xff") }, 400},
		"empty key":        {func() *http.Request { return post(`{}`, "Idempotency-Key", "") }, 400},
		"long key":         {func() *http.Request { return post(`{}`, "Idempotency-Key", strings.Repeat("k", 256)) }, 400},
		"unprintable key":  {func() *http.Request { return post(`{}`, "Idempotency-Key", "größe") }, 400},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := config
			config.MaxWaiting = 1
			intake := newIntake(t, config)
			reader := openIntake(t, intake)
			defer closeReader(t, reader)
			for range 3 { // what was refused waits for nothing
				checkProblem(t, serve(intake, c.request()), c.status)
			}
		})
	}
}

func TestIntakeAtTheLimits(t *testing.T) {
	t.Parallel()
	intake := newIntake(t, httpconn.IntakeConfig{MaxBody: 20, MaxHeader: 10, Headers: []string{"A", "B"}, MaxWaiting: 1})
	reader := openIntake(t, intake)
	defer closeReader(t, reader)
	key := strings.Repeat("k", 255)
	for range 3 { // each gives its place back
		answered := start(intake, post(`{"id":"12345678901"}`, "A", "12345", "B", "12345", "Idempotency-Key", key))
		message := read(t, reader, 1)[0]
		if message.ID() != key {
			t.Errorf("ID %q", message.ID())
		}
		settle(t, reader, connector.Settlement{Position: message.Position(), Outcome: connector.Delivered})
		if w := answered(); w.Code != http.StatusOK {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
	}
}

// badOrder cannot be decoded.
type badOrder struct{}

func (*badOrder) UnmarshalJSON([]byte) error { panic("secret") }

func TestIntakeDecodePanics(t *testing.T) {
	t.Parallel()
	intake, err := httpconn.NewIntake[badOrder](httpconn.IntakeConfig{MaxWaiting: 1})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := intake.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		checkProblem(t, serve(intake, post(`{}`)), http.StatusInternalServerError)
	}
	if err := reader.Close(); err != nil {
		t.Error(err)
	}
}

func TestIntakeMaxWaiting(t *testing.T) {
	t.Parallel()
	for given, want := range map[int]int{0: 1000, 3: 3} {
		synctest.Test(t, func(t *testing.T) {
			intake := newIntake(t, httpconn.IntakeConfig{MaxWaiting: given})
			reader := openIntake(t, intake)
			var waits []func() *httptest.ResponseRecorder
			for range want {
				waits = append(waits, start(intake, post(`{}`)))
			}
			synctest.Wait()
			w := serve(intake, post(`{}`))
			checkProblem(t, w, http.StatusServiceUnavailable)
			if w.Header().Get("Retry-After") != "1" {
				t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
			}
			message := read(t, reader, 1)[0]
			checkProblem(t, serve(intake, post(`{}`)), http.StatusServiceUnavailable) // in flight counts
			settle(t, reader, connector.Settlement{Position: message.Position(), Outcome: connector.Delivered})
			one := start(intake, post(`{}`))
			synctest.Wait()
			if got := len(read(t, reader, 2*want)); got != want {
				t.Errorf("%d messages wait, want %d", got, want)
			}
			closeReader(t, reader)
			waits = append(waits, one)
			codes := map[int]int{}
			for _, wait := range waits {
				codes[wait().Code]++
			}
			if !maps.Equal(codes, map[int]int{200: 1, 503: want}) {
				t.Errorf("answers %v", codes)
			}
		})
	}
}

// The Timeout holds for the body too, and a body given up leaves nothing behind.
func TestIntakeSlowBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		intake := newIntake(t, httpconn.IntakeConfig{Timeout: 10 * time.Second, MaxWaiting: 1})
		reader := openIntake(t, intake)
		client := httptest.NewTestServer(t, intake).Client()
		for range 2 {
			status, after := sendSlowly(t, client, `{"id":"12"}`, time.Second)
			if status != http.StatusRequestTimeout || after != 10*time.Second {
				t.Errorf("a body of 11 s: status %d after %s", status, after)
			}
		}
		closeReader(t, reader)
	})
}

func TestIntakeTimeout(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		given, want time.Duration
		taken       bool
		status      int
	}{
		{0, 30 * time.Second, true, 504},
		{5 * time.Second, 5 * time.Second, true, 504},
		{5 * time.Second, 5 * time.Second, false, 503},
	} {
		synctest.Test(t, func(t *testing.T) {
			var seen failures
			intake := newIntake(t, httpconn.IntakeConfig{Timeout: c.given, MaxWaiting: 1, OnError: seen.add})
			reader := openIntake(t, intake)
			begun := time.Now()
			answered := start(intake, post(`{}`))
			var messages []connector.Message[order]
			if c.taken {
				messages = read(t, reader, 1)
			}
			w := answered()
			checkProblem(t, w, c.status)
			if time.Since(begun) != c.want {
				t.Errorf("after %s, want %s", time.Since(begun), c.want)
			}
			if got := w.Header().Get("Retry-After") != ""; got == c.taken {
				t.Errorf("Retry-After %q: only what was not taken can be sent again at once", w.Header().Get("Retry-After"))
			}
			ambiguous := connector.ClassOf(seen.last(t).Err) == connector.ClassAmbiguous
			if ambiguous != c.taken {
				t.Errorf("the hook got %v", seen.last(t).Err)
			}
			// A message that is in flight keeps its place; one that was taken back does not.
			again := start(intake, post(`{}`))
			synctest.Wait()
			if c.taken {
				checkProblem(t, again(), http.StatusServiceUnavailable)
				settle(t, reader, connector.Settlement{Position: messages[0].Position(), Outcome: connector.Delivered})
				closeReader(t, reader)

				return
			}
			if got := len(read(t, reader, 10)); got != 1 {
				t.Errorf("%d messages wait, want the second alone", got)
			}
			closeReader(t, reader)
			again()
		})
	}
}

func TestIntakeConfigErrors(t *testing.T) {
	t.Parallel()
	_, err := httpconn.NewIntake[order](httpconn.IntakeConfig{
		Method: "GET", MaxBody: -1, MaxHeader: -1, MaxWaiting: -1, Timeout: -1, RetryAfter: -1,
		Headers: []string{"x-a", "X-A", "a b", ""},
	})
	for _, want := range []string{
		`Method "GET"`, "MaxBody is", "MaxHeader is", "MaxWaiting is", "Timeout is", "RetryAfter is",
		`names "X-A" twice`, `"a b" is not a header name`, `"" is not a header name`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not mention %q: %v", want, err)
		}
	}
}
