package httpconn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"

	"github.com/millrace-go/millrace/connector"
)

// send performs the request. An error from before a connection was there is transient,
// whatever the method.
func (e *endpoint) send(request *http.Request) (*http.Response, error) {
	var asked, connected atomic.Bool
	trace := &httptrace.ClientTrace{
		GetConn: func(string) { asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	}
	traced := request.WithContext(httptrace.WithClientTrace(request.Context(), trace))
	response, err := e.client.Do(traced) //nolint:gosec // the configured host; only path and query are the request's
	if err == nil {
		return response, nil
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // the outer text shows the query
	}
	err = fmt.Errorf("httpconn: %s: %w", request.Method+" "+display(request.URL), err)
	// A transport that is not the standard one may not report its connections; then
	// nothing proves that the request was not sent.
	switch {
	case connector.ClassOf(err) == connector.ClassPermanent: // the Guard refused the address
		return nil, connector.Permanent(err)
	case asked.Load() && !connected.Load():
		return nil, connector.Transient(err)
	default:
		return nil, e.afterSend(err)
	}
}

// read decodes the body of a success.
func (c *Caller[Req, Resp]) read(response *http.Response) (Resp, error) {
	var none Resp
	_, discard := any(none).(struct{})
	if discard || response.StatusCode == http.StatusNoContent || response.StatusCode == http.StatusResetContent {
		return none, nil
	}
	body, err := readUpTo(new(bytes.Buffer), response.Body, c.config.MaxResponse, response.ContentLength)
	if err != nil {
		return none, c.unreadable(response, err)
	}
	value, err := c.response.Decode(body)
	if err != nil {
		return none, c.unreadable(response, fmt.Errorf("content type %q: %w", response.Header.Get("Content-Type"), err))
	}

	return value, nil
}

// unreadable is the error of a reply that says success but cannot be used. With an
// idempotent method, a reply that cannot be decoded will not be better the next time.
func (c *Caller[Req, Resp]) unreadable(response *http.Response, err error) error {
	final := connector.ClassOf(err) == connector.ClassPermanent && idempotent(c.config.Method)
	err = fmt.Errorf("httpconn: %s %s: reply with status %d: %w",
		c.config.Method, display(response.Request.URL), response.StatusCode, err)
	if final {
		return connector.Permanent(err)
	}

	return c.afterSend(err)
}

// readUpTo reads all of body, which must not be longer than most bytes, into the buffer.
func readUpTo(buffer *bytes.Buffer, body io.Reader, most int, expected int64) ([]byte, error) {
	if expected > 0 && expected <= int64(most) {
		buffer.Grow(int(expected) + bytes.MinRead)
	}
	if _, err := buffer.ReadFrom(io.LimitReader(body, int64(most)+1)); err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	if buffer.Len() > most {
		return nil, connector.Permanent(&connector.LimitError{
			What: "body", Size: int64(buffer.Len()), Limit: int64(most),
		})
	}

	return buffer.Bytes(), nil
}
