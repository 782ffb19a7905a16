package httpconn

import (
	"net/http"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// endpoint sends requests of one method and classifies what comes of them.
type endpoint struct {
	method        string
	maxRetryAfter time.Duration
	client        *http.Client
	own           *http.Transport
}

func newEndpoint(method string, maxRetryAfter time.Duration, given *http.Client, limits clientLimits) endpoint {
	e := endpoint{method: method, maxRetryAfter: maxRetryAfter}
	e.client, e.own = newClient(given, method, limits)

	return e
}

// afterSend classifies an error that came when the request may have had its effect.
func (e *endpoint) afterSend(err error) error {
	if idempotent(e.method) {
		return connector.Transient(err)
	}

	return connector.Ambiguous(err)
}

// closeIdle closes the idle connections of a client of the endpoint's own.
func (e *endpoint) closeIdle() {
	if e.own != nil {
		e.own.CloseIdleConnections()
	}
}

func idempotent(method string) bool {
	return method == http.MethodGet || method == http.MethodPut || method == http.MethodDelete
}
