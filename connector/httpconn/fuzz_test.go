package httpconn_test

import (
	"context"
	"encoding/json/v2"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
)

// FuzzReply gives the caller any answer: it succeeds only with a 2xx whose body decodes,
// and every error has a class.
func FuzzReply(f *testing.F) {
	f.Add(200, []byte(`{"price":1}`), "")
	f.Add(200, []byte(`{"price":1,"price":2}`), "")
	f.Add(429, []byte(``), "120")
	f.Add(503, []byte("\xff"), "Wed, 01 Jul 2026 12:00:30 GMT")
	f.Fuzz(func(t *testing.T, status int, body []byte, retryAfter string) {
		if status < 200 || status > 599 {
			return
		}
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: status, Header: http.Header{"Retry-After": {retryAfter}}, Request: r,
				Body: io.NopCloser(strings.NewReader(string(body))), ContentLength: -1,
			}, nil
		})
		config := httpconn.CallerConfig[order]{Client: &http.Client{Transport: transport}}
		got, err := newCaller(t, config, nil).Call(t.Context(), order{})
		var want quote
		bad := json.Unmarshal(body, &want)
		if status == http.StatusNoContent || status == http.StatusResetContent {
			want, bad = quote{}, nil // these have no body
		}
		switch {
		case err == nil && (status > 299 || bad != nil || got != want):
			t.Errorf("status %d with %q gives %+v", status, body, got)
		case err != nil && connector.ClassOf(err) == connector.ClassUnknown:
			t.Errorf("status %d with %q: %v has no class", status, body, err)
		}
		if wait, ok := connector.RetryAfter(err); ok && wait < 0 {
			t.Errorf("Retry-After %q is %s", retryAfter, wait)
		}
	})
}

// FuzzIntakeHeaders sends any headers: what is accepted reaches the message as it was
// sent, and everything else is answered with 400.
func FuzzIntakeHeaders(f *testing.F) {
	f.Add("order-1", "trace")
	f.Add("", "\xff")
	f.Add("a\tb", "ü")
	f.Fuzz(func(t *testing.T, key, trace string) {
		intake := newIntake(t, httpconn.IntakeConfig{Headers: []string{"Trace"}})
		reader := openIntake(t, intake)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		taken := make(chan *connector.Meta, 1)
		go func() {
			defer close(taken)
			got, _ := reader.Read(ctx, 1)
			for _, m := range got {
				taken <- m.Meta
				settle(t, reader, connector.Settlement{Position: m.Position(), Outcome: connector.Delivered})
			}
		}()
		w := serve(intake, post(`{"id":"1"}`, "Idempotency-Key", key, "Trace", trace))
		cancel()
		meta := <-taken
		switch {
		case w.Code == http.StatusOK && (meta.ID() != key || meta.Header("Trace") != trace || key == "" || !utf8.ValidString(trace)):
			t.Errorf("key %q and header %q were accepted as %+v", key, trace, meta.Fields())
		case w.Code == http.StatusBadRequest && meta != nil:
			t.Errorf("key %q and header %q were refused and passed on", key, trace)
		case w.Code != http.StatusOK && w.Code != http.StatusBadRequest && len(trace) < 1000:
			t.Errorf("key %q and header %q give %d", key, trace, w.Code)
		}
		closeReader(t, reader)
	})
}
