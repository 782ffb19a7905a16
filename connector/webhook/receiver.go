package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
)

// Receiver lets webhooks through to a handler, such as an [httpconn.Intake], once each.
// Make one with [NewReceiver]. A webhook goes on when its signature and its time are good
// and its id was not served before; the handler finds the id in the header
// Idempotency-Key, which an Intake takes for the ID of its message.
//
// The others are answered by the Receiver: 401 when the headers, the time or the
// signature do not fit; 200, without a body, when the id was served before, so that a
// sender whose answer got lost stops sending; 503 with Retry-After when the same id is
// being served, or the store fails.
//
// An id counts as served when the handler answers 2xx, which is recorded before the answer
// goes out. After another answer the sender may try again at once; after 504, after a
// panic, and after a client that went away without an answer, when the Lease has ended,
// because the work may still go on. Where the record fails, or the process dies before
// it, the webhook may be served again.
//
// A Receiver is safe for concurrent use.
type Receiver struct {
	next   http.Handler
	config ReceiverConfig
}

// NewReceiver returns a receiver in front of next, or all errors of the configuration.
func NewReceiver(next http.Handler, config ReceiverConfig) (*Receiver, error) {
	err := config.complete()
	if next == nil {
		err = errors.Join(errors.New("the handler is nil"), err)
	}
	if err != nil {
		return nil, fmt.Errorf("webhook: receiver: %w", err)
	}

	return &Receiver{next: next, config: config}, nil
}

// ServeHTTP implements http.Handler.
func (v *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, problem := httpconn.ReadBody(w, r, v.config.MaxBody, time.Now().Add(v.config.Timeout))
	if problem != nil {
		problem.Answer(w, r, v.config.OnError)

		return
	}
	id, err := Verify(r.Header, body, time.Now(), v.config.Tolerance, v.config.Keys...)
	if err != nil {
		v.unverified(err).Answer(w, r, v.config.OnError)

		return
	}
	claim, err := v.config.Store.Claim(r.Context(), v.key(id), v.config.Lease)
	if err != nil {
		v.unclaimed(w, r, id, err)

		return
	}
	v.serve(w, verified(r, id, body), claim)
}

// key is the id in the store. No other name and id give the same.
func (v *Receiver) key(id string) string {
	return "webhook/" + url.PathEscape(v.config.Name) + "/" + id
}

// verified is the request as the handler gets it.
func verified(r *http.Request, id string, body []byte) *http.Request {
	next := r.Clone(r.Context())
	next.Body = io.NopCloser(bytes.NewReader(body))
	next.ContentLength = int64(len(body))
	next.Header.Set("Idempotency-Key", id)

	return next
}

func (v *Receiver) unverified(err error) httpconn.Problem {
	detail := "the signature does not fit"
	switch {
	case errors.Is(err, ErrTimestamp): // no secret, and it helps whose clock is wrong
		detail = "the timestamp is further from the time here than the tolerance allows"
	case errors.Is(err, ErrHeader):
		detail = "the webhook headers are missing or malformed"
	}

	return httpconn.Problem{
		Status: http.StatusUnauthorized, Detail: detail, Err: err,
		Header: http.Header{"Www-Authenticate": {"StandardWebhooks"}},
	}
}

// unclaimed answers a webhook whose id cannot be served now.
func (v *Receiver) unclaimed(w http.ResponseWriter, r *http.Request, id string, err error) {
	if _, before := errors.AsType[*connector.ConfirmedError](err); before {
		w.WriteHeader(http.StatusOK)

		return
	}
	again := httpconn.Problem{
		Status: http.StatusServiceUnavailable, Detail: "not processed: send it again",
		RetryAfter: time.Second, Err: fmt.Errorf("webhook %s: %w", id, err),
	}
	if held, ok := errors.AsType[*connector.ClaimedError](err); ok {
		again.Detail = "this webhook is being processed"
		again.RetryAfter = max(time.Second, min(time.Until(held.Until), v.config.Lease))
	}
	again.Answer(w, r, v.config.OnError)
}

// serve calls the handler and records what came of it.
func (v *Receiver) serve(w http.ResponseWriter, r *http.Request, claim connector.Claim) {
	answer := &answer{ResponseWriter: w, ended: func(status int) { v.ended(r, claim, status) }}
	v.next.ServeHTTP(answer, r)
	if !answer.sent && r.Context().Err() == nil {
		answer.WriteHeader(http.StatusOK) // as net/http does for a handler that wrote nothing
	}
}

// ended confirms or releases the claim, before the client hears of it.
func (v *Receiver) ended(r *http.Request, claim connector.Claim, status int) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), v.config.Timeout)
	defer cancel()
	var err error
	switch {
	case status < http.StatusMultipleChoices:
		err = v.config.Store.Confirm(ctx, v.config.Remember, claim)
	case status != http.StatusGatewayTimeout:
		err = v.config.Store.Release(ctx, claim)
	}
	if err != nil && v.config.OnError != nil {
		v.config.OnError(ctx, httpconn.Failure{
			Method: r.Method, Path: r.URL.Path, Status: status,
			Err: fmt.Errorf("webhook: %s was answered, but not recorded: %w", claim.Key, err),
		})
	}
}

// answer tells the status of an answer before it is sent.
type answer struct {
	http.ResponseWriter

	ended func(status int)
	sent  bool
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if !a.sent && status >= http.StatusOK { // before that come 1xx, which are no answer
		a.sent = true
		a.ended(status)
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	if !a.sent {
		a.WriteHeader(http.StatusOK)
	}

	return a.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
