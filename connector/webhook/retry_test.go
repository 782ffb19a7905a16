package webhook_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/connector/webhook"
	"github.com/millrace-go/millrace/flow"
)

// attempt is one request of a sender.
type attempt struct {
	at time.Duration
	id string
}

// deliverThrough sends one webhook through a flow to a receiver that answers with the
// codes, the last one again and again, and returns what was sent and what was given up.
func deliverThrough(t *testing.T, config webhook.RetryConfig[paid], wait time.Duration, header string, codes ...int) ([]attempt, []connector.DeadLetter[paid]) {
	t.Helper()
	var attempts []attempt
	begun := time.Now()
	server := httptest.NewTestServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		id, err := webhook.Verify(r.Header, body, time.Now(), time.Second, key(t, vectorSecret))
		if err != nil {
			t.Error(err)
		}
		code := codes[min(len(attempts), len(codes)-1)]
		attempts = append(attempts, attempt{time.Since(begun), id})
		if header != "" {
			w.Header().Set("Retry-After", header)
		}
		w.WriteHeader(code)
	}))
	sink, err := httpconn.NewSink(httpconn.SinkConfig[paid]{
		Client:  server.Client(),
		Target:  func(m connector.Message[paid]) string { return "http://" + m.Value.Order + ".example/hook" },
		Prepare: webhook.Signing(func(connector.Message[paid]) []webhook.Key { return []webhook.Key{key(t, vectorSecret)} }),
	})
	if err != nil {
		t.Fatal(err)
	}
	outbox, err := queueconn.NewMemory[paid](queueconn.Config{})
	if err != nil {
		t.Fatal(err)
	}
	failed := memory.NewSink[connector.DeadLetter[paid]]()
	config.Queue, config.Failed = outbox, failed
	again, err := webhook.NewRetry(config)
	if err != nil {
		t.Fatal(err)
	}
	p := flow.New("hooks", flow.From(outbox).DeadLetter(again).To(sink))
	ended := make(chan error, 1)
	go func() { ended <- p.Run(t.Context()) }()
	message := connector.NewMessage(paid{Order: "a"}, connector.Fields{ID: "orders.csv:7"})
	if err := outbox.Write(t.Context(), []connector.Message[paid]{message}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(wait)
	if _, err := p.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}

	return attempts, failed.Values()
}

// Ten attempts with the delays of the specification, each under the same id and with a
// signature of its own time, and then the webhook is given up with its cause.
func TestRetrySchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		attempts, failed := deliverThrough(t, webhook.RetryConfig[paid]{}, 100*time.Hour, "", http.StatusNotFound)
		if len(attempts) != 10 || len(failed) != 1 {
			t.Fatalf("%d attempts, %d given up: %v", len(attempts), len(failed), attempts)
		}
		for i, want := range webhook.StandardSchedule() {
			got := attempts[i+1].at - attempts[i].at
			if got < want || got > want+want/10+time.Second {
				t.Errorf("attempt %d came after %v, want %v and up to a tenth", i+2, got, want)
			}
			if attempts[i+1].id != attempts[0].id || !strings.HasPrefix(attempts[0].id, "sha256-") {
				t.Errorf("ids %q and %q", attempts[0].id, attempts[i+1].id)
			}
		}
		if status, ok := errors.AsType[*httpconn.StatusError](failed[0].Err); !ok || status.Code != http.StatusNotFound {
			t.Errorf("given up for %v", failed[0].Err)
		}
	})
}

func TestRetryEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		codes            []int
		header           string
		attempts, failed int
		second           time.Duration
	}{
		"success at the third": {[]int{500, 503, 200}, "", 3, 0, 5 * time.Second},
		"gone":                 {[]int{410}, "", 1, 1, 0},
		"gone later":           {[]int{500, 410}, "", 2, 1, 5 * time.Second},
		"redirect":             {[]int{302, 200}, "", 2, 0, 5 * time.Second},
		"asked to wait":        {[]int{429, 200}, "60", 2, 0, time.Minute},
		"asked to hurry":       {[]int{429, 200}, "1", 2, 0, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				attempts, failed := deliverThrough(t, webhook.RetryConfig[paid]{}, time.Hour, c.header, c.codes...)
				if len(attempts) != c.attempts || len(failed) != c.failed {
					t.Fatalf("%d attempts, %d given up", len(attempts), len(failed))
				}
				if c.attempts > 1 {
					wait := attempts[1].at - attempts[0].at
					if wait < c.second || wait > c.second+c.second/10+time.Second {
						t.Errorf("the second attempt came after %v, want %v", wait, c.second)
					}
				}
			})
		})
	}
}

// A request that cannot be made is given up at once.
func TestRetryFinal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failed := memory.NewSink[connector.DeadLetter[paid]]()
		queue, err := queueconn.NewMemory[paid](queueconn.Config{})
		if err != nil {
			t.Fatal(err)
		}
		retry, err := webhook.NewRetry(webhook.RetryConfig[paid]{Queue: queue, Failed: failed, Schedule: webhook.Schedule{time.Minute}})
		if err != nil {
			t.Fatal(err)
		}
		letter := func(err error, header string) connector.Message[connector.DeadLetter[paid]] {
			return connector.NewMessage(connector.DeadLetter[paid]{Err: err}, connector.Fields{
				ID: "a", Headers: map[string]string{webhook.HeaderAttempts: header},
			})
		}
		cause := errors.New("cause")
		letters := []connector.Message[connector.DeadLetter[paid]]{
			letter(connector.Permanent(cause), ""), letter(cause, ""), letter(cause, "1"), letter(cause, "x"), letter(cause, "-5"),
			letter(connector.Ambiguous(cause), ""), letter(nil, ""),
		}
		if err := retry.Write(t.Context(), letters); err != nil {
			t.Fatal(err)
		}
		depth, err := queue.Depth(t.Context())
		if err != nil || depth.Delayed != 5 || len(failed.Values()) != 2 {
			t.Errorf("depth %+v, %d given up, %v", depth, len(failed.Values()), err)
		}
	})
}

// A queue that stays full, or a sink that fails, keeps the webhook where it was.
func TestRetryFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		failed := memory.NewSink[connector.DeadLetter[paid]]()
		failed.Script(memory.Fail(broken))
		queue, err := queueconn.NewMemory[paid](queueconn.Config{MaxMessages: 1})
		if err != nil {
			t.Fatal(err)
		}
		retry, err := webhook.NewRetry(webhook.RetryConfig[paid]{Queue: queue, Failed: failed, Schedule: webhook.Schedule{time.Minute}})
		if err != nil {
			t.Fatal(err)
		}
		letter := func(err error) connector.Message[connector.DeadLetter[paid]] {
			return connector.NewMessage(connector.DeadLetter[paid]{Err: err}, connector.Fields{ID: "a"})
		}
		begun := time.Now()
		err = retry.Write(t.Context(), []connector.Message[connector.DeadLetter[paid]]{
			letter(connector.Permanent(broken)), letter(broken), letter(broken),
		})
		partial, ok := errors.AsType[*connector.PartialError](err)
		if !ok || partial.Members[0].Err == nil || partial.Members[1].Err != nil || partial.Members[2].Err == nil {
			t.Fatalf("%v", err)
		}
		if !errors.Is(err, broken) || time.Since(begun) != 10*time.Second {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		if err := retry.Write(context.Background(), nil); err != nil {
			t.Error(err)
		}
	})
}

func TestRetryConfigErrors(t *testing.T) {
	t.Parallel()
	_, err := webhook.NewRetry(webhook.RetryConfig[paid]{Schedule: webhook.Schedule{0}, Timeout: -1})
	for _, want := range []string{"Queue is nil", "Failed is nil", "Schedule[0]", "Timeout"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	_, err = webhook.NewRetry(webhook.RetryConfig[paid]{
		Queue: memory.NewSink[paid](), Failed: memory.NewSink[connector.DeadLetter[paid]](),
	})
	if err == nil || !strings.Contains(err.Error(), "does not declare Delays") {
		t.Errorf("%v", err)
	}
}

func TestSigningRefuses(t *testing.T) {
	t.Parallel()
	sign := webhook.Signing(func(connector.Message[paid]) []webhook.Key { return nil })
	r := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
	one := connector.NewMessage(paid{}, connector.Fields{ID: "a"})
	for name, messages := range map[string][]connector.Message[paid]{
		"no key": {one}, "no ID": {{}}, "several": {one, one}, "none": nil,
	} {
		if err := sign(r, nil, messages); err == nil {
			t.Errorf("%s: it was signed", name)
		}
	}
}

// TestRetryConformance counts goroutines, so it runs alone.
func TestRetryConformance(t *testing.T) {
	conntest.TestSink(t, conntest.SinkHarness[connector.DeadLetter[paid]]{
		New: func(t testing.TB) (connector.Sink[connector.DeadLetter[paid]], func(testing.TB) []connector.DeadLetter[paid]) {
			queue, err := queueconn.NewMemory[paid](queueconn.Config{})
			if err != nil {
				t.Fatal(err)
			}
			failed := memory.NewSink[connector.DeadLetter[paid]]()
			retry, err := webhook.NewRetry(webhook.RetryConfig[paid]{Queue: queue, Failed: failed})
			if err != nil {
				t.Fatal(err)
			}

			return retry, func(testing.TB) []connector.DeadLetter[paid] { return failed.Values() }
		},
		Value: func(i int) connector.DeadLetter[paid] {
			return connector.DeadLetter[paid]{Err: connector.Permanent(errors.New("no")), Value: paid{Order: string(rune('a' + i%26))}, Attempt: i}
		},
		Virtual: true,
	})
}
