package httpconn

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Problem is an answer other than success, for handlers of your own: they answer, and
// report, like a [Handler].
type Problem struct {
	// Status is the answer, 400 or more.
	Status int
	// Detail is shown to the client: it must tell nothing of the inside.
	Detail string
	// Header is added to the answer. Default none.
	Header http.Header
	// RetryAfter asks the client to wait; it is rounded up to whole seconds. Default no
	// wait is asked for.
	RetryAfter time.Duration
	// Err is the cause, for the report alone.
	Err error
}

// Answer reports the problem and sends it as application/problem+json, with the request
// id of the request or a new one. A report may be nil.
func (p Problem) Answer(w http.ResponseWriter, r *http.Request, report func(ctx context.Context, failure Failure)) {
	header := p.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if p.RetryAfter > 0 {
		setRetryAfter(header, p.RetryAfter)
	}
	onError(report).refuse(w, r, requestID(w, r), &refusal{status: p.Status, detail: p.Detail, err: p.Err, header: header})
}

// ReadBody reads the whole body of a request, of at most so many bytes, until the
// deadline at the latest, or returns the problem to answer: 413 when it is longer, 408
// when it is slower, 400 when it breaks off. What is served afterwards is not bound by the
// deadline.
func ReadBody(w http.ResponseWriter, r *http.Request, most int, deadline time.Time) ([]byte, *Problem) {
	if most < 0 {
		return nil, &Problem{
			Status: http.StatusInternalServerError, Detail: "the request could not be processed",
			Err: connector.Permanent(fmt.Errorf("httpconn: ReadBody of at most %d bytes", most)),
		}
	}
	defer limit(w, r, most, deadline)()
	body, no := readBody(r, most, new(bytes.Buffer))
	if no != nil {
		return nil, &Problem{Status: no.status, Detail: no.detail, Header: no.header, Err: no.err}
	}

	return body, nil
}

// ProblemOf is the answer to a request whose work failed, by the class of the error as a
// [Handler] answers: it tells nothing of the error.
func ProblemOf(r *http.Request, err error) Problem {
	no := failed(r.Context(), r, err)

	return Problem{Status: no.status, Detail: no.detail, Header: no.header, Err: no.err}
}
