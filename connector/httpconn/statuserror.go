package httpconn

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// StatusError is a reply with a status that is not a success.
type StatusError struct {
	// Method and URL are those of the request; the URL is without user and query.
	Method string
	URL    string
	// Code is the status.
	Code int
	// Body is the first 512 bytes of the reply.
	Body string
}

// Error names the request, the status and the start of the reply.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("httpconn: %s %s: status %d %s", e.Method, e.URL, e.Code, http.StatusText(e.Code))
	if e.Body != "" {
		text += fmt.Sprintf(": %q", e.Body)
	}

	return text
}

const maxErrorBody = 512

func (e *endpoint) statusError(response *http.Response, now time.Time) error {
	// What can be read of the body is a help; the status is the error.
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxErrorBody))
	err := &StatusError{
		Method: e.method, URL: display(response.Request.URL),
		Code: response.StatusCode, Body: string(body),
	}
	after, asked := ParseRetryAfter(response.Header.Get("Retry-After"), now, e.maxRetryAfter)
	switch code := response.StatusCode; {
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable && asked:
		return connector.Throttled(err, after)
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly:
		return connector.Transient(err)
	case code == http.StatusNotImplemented, code == http.StatusHTTPVersionNotSupported, code < http.StatusInternalServerError:
		return connector.Permanent(err)
	default:
		return e.afterSend(err)
	}
}
