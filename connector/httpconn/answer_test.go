package httpconn_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
)

func TestProblemAnswer(t *testing.T) {
	t.Parallel()
	var seen failures
	w, cause := httptest.NewRecorder(), errors.New("secret")
	httpconn.Problem{
		Status: http.StatusForbidden, Detail: "not yours", Header: http.Header{"X-Reason": {"owner"}},
		RetryAfter: 1500 * time.Millisecond, Err: cause,
	}.Answer(w, post(""), seen.add)
	checkProblem(t, w, http.StatusForbidden)
	if w.Header().Get("X-Reason") != "owner" || w.Header().Get("Retry-After") != "2" || !strings.Contains(w.Body.String(), "not yours") {
		t.Errorf("answer %v %s", w.Header(), w.Body)
	}
	if last := seen.last(t); !errors.Is(last.Err, cause) || last.Status != http.StatusForbidden || last.RequestID != w.Header().Get("X-Request-ID") {
		t.Errorf("reported %+v", last)
	}
	httpconn.Problem{Status: http.StatusConflict}.Answer(httptest.NewRecorder(), post(""), nil)
}

func TestReadBody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body   string
		most   int
		status int
	}{{"1234", 4, 0}, {"12345", 4, 413}, {"", 0, 0}, {"1", 0, 413}, {"", -1, 500}} {
		for _, change := range []func(*http.Request) *http.Request{unsized, func(r *http.Request) *http.Request { return r }} {
			body, problem := httpconn.ReadBody(httptest.NewRecorder(), change(post(c.body)), c.most, time.Now().Add(time.Minute))
			switch {
			case problem == nil && (c.status != 0 || string(body) != c.body):
				t.Errorf("%q within %d: body %q, want status %d", c.body, c.most, body, c.status)
			case problem != nil && (problem.Status != c.status || connector.ClassOf(problem.Err) == connector.ClassTransient):
				t.Errorf("%q within %d: %+v, want status %d", c.body, c.most, problem, c.status)
			}
		}
	}
}

func TestProblemOf(t *testing.T) {
	t.Parallel()
	secret := errors.New("secret")
	for want, err := range map[int]error{
		422: connector.Permanent(secret), 429: connector.Throttled(secret, time.Minute), 503: connector.Transient(secret),
		502: connector.Ambiguous(secret), 500: secret,
	} {
		problem := httpconn.ProblemOf(post(""), err)
		if problem.Status != want || !errors.Is(problem.Err, secret) || strings.Contains(problem.Detail, "secret") {
			t.Errorf("%v: %+v, want status %d", err, problem, want)
		}
		if want == 429 && problem.Header.Get("Retry-After") != "60" {
			t.Errorf("headers %v", problem.Header)
		}
	}
}
