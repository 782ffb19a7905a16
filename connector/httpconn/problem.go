package httpconn

import (
	"context"
	"encoding/json/v2"
	"maps"
	"net/http"
	"strconv"
	"time"
)

const (
	contentJSON    = "application/json"
	contentProblem = "application/problem+json"
	// statusClientGone is what the Failure of a request says whose client went away. It
	// is never sent.
	statusClientGone = 499
	// defaultRetryAfter is what a 503 asks for when nothing better is known.
	defaultRetryAfter = time.Second
)

// Failure is a request that was not answered with success, as the OnError hooks get it.
type Failure struct {
	// RequestID is what the client was told, in X-Request-ID and in the body.
	RequestID string
	// Method and Path are those of the request.
	Method string
	Path   string
	// Status is the answer; 499 when the client went away before there was one.
	Status int
	// Err is the cause, which the client was not told.
	Err error
	// Stack is that of the panic, where Err comes from one.
	Stack []byte
	// Late says that the client had its answer, of Status, before the call ended with
	// Err. The same RequestID was reported at that time.
	Late bool
}

// refusal is an answer other than success.
type refusal struct {
	status int
	// detail is shown to the client: it must tell nothing of the inside.
	detail string
	err    error
	stack  []byte
	header http.Header
}

// problem is the body of RFC 9457.
type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	RequestID string `json:"request_id"`
}

// onError is the hook of a configuration; it may be nil.
type onError func(ctx context.Context, failure Failure)

// refuse reports the refusal and sends it.
func (report onError) refuse(w http.ResponseWriter, r *http.Request, id string, no *refusal) {
	if report != nil {
		report(r.Context(), Failure{
			RequestID: id, Method: r.Method, Path: r.URL.Path, Status: no.status, Err: no.err, Stack: no.stack,
		})
	}
	if no.status == statusClientGone {
		return
	}
	maps.Copy(w.Header(), no.header)
	body, err := json.Marshal(problem{
		Type: "about:blank", Title: http.StatusText(no.status), Status: no.status,
		Detail: no.detail, RequestID: id,
	})
	if err != nil {
		body = nil // cannot happen with these fields; the status alone says enough
	}
	send(w, no.status, contentProblem, body)
}

func send(w http.ResponseWriter, status int, contentType string, body []byte) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // it fails when the client has gone, and then nobody listens
}

// retryLater is a 503 that says when to send the request again.
func retryLater(detail string, after time.Duration, err error) *refusal {
	no := &refusal{status: http.StatusServiceUnavailable, detail: detail, err: err, header: http.Header{}}
	setRetryAfter(no.header, after)

	return no
}
