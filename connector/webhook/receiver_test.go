package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/webhook"
)

// far is a receiver, its store, and what it was asked.
type far struct {
	*webhook.Receiver

	store    *memory.Store
	mu       sync.Mutex
	served   []string
	failures []httpconn.Failure
}

// newFar answers webhooks with handle.
func newFar(t *testing.T, config webhook.ReceiverConfig, handle http.HandlerFunc) *far {
	t.Helper()
	f := &far{store: memory.NewStore()}
	config.Name, config.Store, config.Keys = "shop", f.store, []webhook.Key{key(t, vectorSecret)}
	config.OnError = func(_ context.Context, failure httpconn.Failure) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.failures = append(f.failures, failure)
	}
	receiver, err := webhook.NewReceiver(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		f.mu.Lock()
		f.served = append(f.served, r.Header.Get("Idempotency-Key")+" "+string(body))
		f.mu.Unlock()
		if err != nil {
			t.Error(err)
		}
		handle(w, r)
	}), config)
	if err != nil {
		t.Fatal(err)
	}
	f.Receiver = receiver

	return f
}

// send signs a webhook as of now and returns its answer.
func (f *far) send(t *testing.T, id, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	f.ServeHTTP(w, request(t, id, body))

	return w
}

func request(t *testing.T, id, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/hooks", strings.NewReader(body))
	if err := webhook.Sign(r.Header, id, time.Now(), []byte(body), key(t, vectorSecret)); err != nil {
		t.Fatal(err)
	}

	return r
}

func (f *far) want(t *testing.T, served ...string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if strings.Join(f.served, ",") != strings.Join(served, ",") {
		t.Errorf("served %q, want %q", f.served, served)
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func TestReceiverServesOnce(t *testing.T) {
	t.Parallel()
	f := newFar(t, webhook.ReceiverConfig{}, func(http.ResponseWriter, *http.Request) {}) // an implicit 200
	for range 3 {
		if w := f.send(t, "a", "body"); w.Code != http.StatusOK || w.Body.Len() != 0 {
			t.Errorf("status %d %s", w.Code, w.Body)
		}
	}
	f.send(t, "b", "")
	f.want(t, "a body", "b ")
}

// What is recorded is recorded when the client hears of it.
func TestReceiverRecordsFirst(t *testing.T) {
	t.Parallel()
	for _, write := range []http.HandlerFunc{
		status(http.StatusAccepted),
		func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "done") },
		func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusProcessing) // an interim answer says nothing
			w.WriteHeader(http.StatusNoContent)
		},
	} {
		f := newFar(t, webhook.ReceiverConfig{}, write)
		confirmed := false
		w := &watched{ResponseRecorder: httptest.NewRecorder(), first: func() {
			_, err := f.store.Claim(t.Context(), "webhook/shop/a", time.Minute)
			_, confirmed = errors.AsType[*connector.ConfirmedError](err)
		}}
		f.ServeHTTP(w, request(t, "a", ""))
		if !confirmed {
			t.Error("the answer went out before the record")
		}
	}
}

// watched calls first before the first answer of 2xx.
type watched struct {
	*httptest.ResponseRecorder

	first func()
}

func (w *watched) WriteHeader(status int) {
	if status >= http.StatusOK {
		w.first()
	}
	w.ResponseRecorder.WriteHeader(status)
}

// A webhook that was not processed can be sent again, at once where its work has ended.
func TestReceiverAgain(t *testing.T) {
	t.Parallel()
	for code, wait := range map[int]time.Duration{
		http.StatusServiceUnavailable: 0, http.StatusUnprocessableEntity: 0, http.StatusInternalServerError: 0,
		http.StatusFound: 0, http.StatusGatewayTimeout: 2 * time.Minute,
	} {
		synctest.Test(t, func(t *testing.T) {
			answer := code
			f := newFar(t, webhook.ReceiverConfig{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(answer) })
			if w := f.send(t, "a", "1"); w.Code != code {
				t.Errorf("status %d, want %d", w.Code, code)
			}
			answer = http.StatusOK
			if wait > 0 {
				w := f.send(t, "a", "2")
				if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "120" {
					t.Errorf("status %d, Retry-After %s", w.Code, w.Header().Get("Retry-After"))
				}
				time.Sleep(wait)
			}
			if w := f.send(t, "a", "3"); w.Code != http.StatusOK {
				t.Errorf("status %d", w.Code)
			}
			f.want(t, "a 1", "a 3")
		})
	}
}

// The same id twice at once is served once; the other one may come again.
func TestReceiverBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFar(t, webhook.ReceiverConfig{Lease: 10 * time.Second}, func(http.ResponseWriter, *http.Request) {
			time.Sleep(5 * time.Second)
		})
		ended := make(chan int, 1)
		go func() { ended <- f.send(t, "a", "1").Code }()
		synctest.Wait()
		w := f.send(t, "a", "2")
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "10" {
			t.Errorf("status %d, Retry-After %s", w.Code, w.Header().Get("Retry-After"))
		}
		if code := <-ended; code != http.StatusOK {
			t.Errorf("the first one was answered %d", code)
		}
		f.want(t, "a 1")
	})
}

// After a panic, and without an answer to a client that went away, the id is kept until
// the lease ends: the work may have been done.
func TestReceiverUnanswered(t *testing.T) {
	t.Parallel()
	for name, handle := range map[string]func(cancel func()){
		"panic": func(func()) { panic("no") },
		"gone":  func(cancel func()) { cancel() },
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			fail := true
			f := newFar(t, webhook.ReceiverConfig{}, func(http.ResponseWriter, *http.Request) {
				if fail {
					handle(cancel)
				}
			})
			func() {
				defer func() { _ = recover() }()
				f.ServeHTTP(httptest.NewRecorder(), request(t, "a", "1").WithContext(ctx))
			}()
			fail = false
			if w := f.send(t, "a", "2"); w.Code != http.StatusServiceUnavailable {
				t.Errorf("%s: status %d", name, w.Code)
			}
			time.Sleep(2 * time.Minute)
			if w := f.send(t, "a", "3"); w.Code != http.StatusOK {
				t.Errorf("%s: status %d after the lease", name, w.Code)
			}
			f.want(t, "a 1", "a 3")
		})
	}
}

// A recorded request is a replay as long as its time is within the tolerance, and out of
// tolerance before the record ends.
func TestReceiverReplay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFar(t, webhook.ReceiverConfig{Tolerance: time.Minute, Remember: 2 * time.Minute}, status(http.StatusOK))
		recorded := request(t, "a", "1")
		replay := func() int {
			r := recorded.Clone(t.Context())
			r.Body = io.NopCloser(strings.NewReader("1"))
			w := httptest.NewRecorder()
			f.ServeHTTP(w, r)

			return w.Code
		}
		for second := range 300 {
			want := http.StatusOK // answered, not served
			if second > 60 {
				want = http.StatusUnauthorized
			}
			if got := replay(); got != want {
				t.Fatalf("after %d s: status %d, want %d", second, got, want)
			}
			time.Sleep(time.Second)
		}
		f.want(t, "a 1")
		if w := f.send(t, "a", "2"); w.Code != http.StatusOK {
			t.Errorf("status %d", w.Code)
		}
		f.want(t, "a 1", "a 2") // signed anew after Remember
	})
}

func TestReceiverRefuses(t *testing.T) {
	t.Parallel()
	f := newFar(t, webhook.ReceiverConfig{MaxBody: 4}, status(http.StatusOK))
	skewed := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
	if err := webhook.Sign(skewed.Header, "a", time.Now().Add(time.Hour), nil, key(t, vectorSecret)); err != nil {
		t.Fatal(err)
	}
	forged := request(t, "a", "good")
	forged.Body = io.NopCloser(strings.NewReader("evil"))
	for name, c := range map[string]struct {
		r      *http.Request
		status int
		detail string
		cause  error
	}{
		"not signed":        {httptest.NewRequest(http.MethodPost, "/", http.NoBody), 401, "headers are missing", webhook.ErrHeader},
		"forged":            {forged, 401, "signature does not fit", webhook.ErrSignature},
		"from the future":   {skewed, 401, "timestamp is further", webhook.ErrTimestamp},
		"one byte too long": {request(t, "a", "12345"), 413, "limit of 4 bytes", nil},
	} {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, c.r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.detail) ||
			w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: status %d %s", name, w.Code, w.Body)
		}
		last := f.failures[len(f.failures)-1]
		if last.Status != c.status || last.RequestID != w.Header().Get("X-Request-ID") || c.cause != nil && !errors.Is(last.Err, c.cause) {
			t.Errorf("%s: reported %+v", name, last)
		}
		if c.status == 401 && w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no challenge", name)
		}
	}
	f.want(t)
	if w := f.send(t, "a", "1234"); w.Code != http.StatusOK {
		t.Errorf("status %d", w.Code)
	}
}

// A body that comes byte by byte is given up at the Timeout, however long the server
// would wait.
func TestReceiverSlowBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFar(t, webhook.ReceiverConfig{}, status(http.StatusOK))
		client := httptest.NewTestServer(t, f).Client()
		from, to := io.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var dripping sync.WaitGroup
		defer dripping.Wait()
		dripping.Go(func() {
			for {
				if _, err := to.Write([]byte("x")); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://shop.example/hooks", from)
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		_ = from.Close()
		if response.StatusCode != http.StatusRequestTimeout || time.Since(begun) != 10*time.Second {
			t.Errorf("status %d after %v", response.StatusCode, time.Since(begun))
		}
	})
}

// A store that fails keeps no webhook from being served later, and is reported.
func TestReceiverStoreFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("secret: disk gone")
	f := newFar(t, webhook.ReceiverConfig{}, status(http.StatusOK))
	f.store.Script(memory.OpClaim, memory.Fail(broken))
	w := f.send(t, "a", "1")
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" || bytes.Contains(w.Body.Bytes(), []byte("secret")) {
		t.Errorf("status %d %s", w.Code, w.Body)
	}
	f.store.Script(memory.OpConfirm, memory.Fail(broken))
	if w := f.send(t, "a", "2"); w.Code != http.StatusOK {
		t.Errorf("status %d", w.Code)
	}
	if len(f.failures) != 2 || !errors.Is(f.failures[0].Err, broken) || !errors.Is(f.failures[1].Err, broken) {
		t.Errorf("reported %+v", f.failures)
	}
	f.want(t, "a 2")
}

// Two senders may use the same id.
func TestReceiverNames(t *testing.T) {
	t.Parallel()
	store := memory.NewStore()
	for _, c := range []struct{ name, id string }{{"a", "b/c"}, {"a/b", "c"}, {"a%2Fb", "c"}, {"a", "c"}} {
		served := false
		receiver, err := webhook.NewReceiver(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served = true }),
			webhook.ReceiverConfig{Name: c.name, Store: store, Keys: []webhook.Key{key(t, vectorSecret)}})
		if err != nil {
			t.Fatal(err)
		}
		receiver.ServeHTTP(httptest.NewRecorder(), request(t, c.id, ""))
		if !served {
			t.Errorf("name %q, id %q was taken for another", c.name, c.id)
		}
	}
}

func TestReceiverConfigErrors(t *testing.T) {
	t.Parallel()
	_, err := webhook.NewReceiver(nil, webhook.ReceiverConfig{
		Tolerance: -1, Remember: -1, Lease: -1, MaxBody: -1, Timeout: -1, Keys: []webhook.Key{{}},
	})
	for _, want := range []string{
		"handler is nil", "Name has 0", "Store is nil", "Keys[0]", "Tolerance", "Remember", "Lease", "MaxBody", "Timeout",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	_, err = webhook.NewReceiver(http.NotFoundHandler(), webhook.ReceiverConfig{
		Name: strings.Repeat("x", 201), Store: memory.NewStore(), Tolerance: time.Hour, Remember: 2*time.Hour - 1,
	})
	for _, want := range []string{"Name has 201", "Keys is empty", "twice the Tolerance"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
