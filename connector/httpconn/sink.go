package httpconn

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
)

// Sink sends each message, or each Write, as an HTTP request. Make one with [NewSink]. It
// is safe for concurrent use and never sends twice.
//
// An answer of 2xx accepts the messages; what it says beyond that is not read. 207 says
// that the parts of a request fared differently, which a Sink cannot tell apart, so their
// fate is unclear. Other answers fail the messages with a *[StatusError], whose class is
// that of a [Caller]'s. When a request to the URL fails for another reason than its
// message, the rest of the Write is not attempted; with Target it is.
type Sink[T any] struct {
	endpoint

	config  SinkConfig[T]
	address *url.URL
	name    string
}

// NewSink returns a sink, or all errors of the configuration.
func NewSink[T any](config SinkConfig[T]) (*Sink[T], error) {
	address, err := config.complete()
	if err != nil {
		return nil, fmt.Errorf("httpconn: sink: %w", err)
	}
	config.Header = defaultHeaders(config.Header, true)
	s := &Sink[T]{config: config, address: address, name: config.Method + " to the address of the message"}
	if address != nil {
		s.name = config.Method + " " + display(address)
	}
	s.endpoint = newEndpoint(config.Method, config.MaxRetryAfter, config.Client,
		clientLimits{maxHeader: config.MaxHeader, maxConns: config.MaxConns, guard: config.Guard})
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

	return s, nil
}

// Describe names the method and the URL, without its query and user.
func (s *Sink[T]) Describe() connector.Capabilities {
	idempotent := s.config.Idempotent || s.config.Method == http.MethodPut

	return connector.Capabilities{Name: s.name, Idempotent: idempotent && !s.config.Batch}
}

// Write sends the messages.
func (s *Sink[T]) Write(ctx context.Context, messages []connector.Message[T]) error {
	w := &writing[T]{sink: s, messages: messages, result: connector.NewPartialError(len(messages))}
	if s.config.Batch {
		w.batches(ctx)
	} else {
		w.each(ctx)
	}

	return w.outcome(ctx)
}

// Close closes the idle connections of the default Client. It does nothing to a Client
// that was given.
func (s *Sink[T]) Close() error {
	s.closeIdle()

	return nil
}

// post sends one request for the messages.
func (s *Sink[T]) post(ctx context.Context, address *url.URL, body []byte, messages []connector.Message[T]) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	request, err := s.request(ctx, address, body, messages)
	if err != nil {
		return connector.Permanent(fmt.Errorf("httpconn: %s %s: %w", s.method, display(address), err))
	}
	response, err := s.send(request)
	if err != nil {
		return err
	}
	defer leave(response)
	switch {
	case response.StatusCode == http.StatusMultiStatus:
		return connector.Ambiguous(fmt.Errorf("httpconn: %s %s: status 207: the parts of the request fared differently",
			s.method, display(address)))
	case response.StatusCode < 200 || response.StatusCode > 299:
		return s.statusError(response, time.Now())
	default:
		return nil
	}
}

func (s *Sink[T]) request(ctx context.Context, address *url.URL, body []byte, messages []connector.Message[T]) (*http.Request, error) {
	header := s.config.Header.Clone()
	if key := idempotencyKeyOf(messages); key != "" {
		header.Set(s.config.KeyHeader, key)
	}
	if s.config.Gzip && len(body) >= minGzip {
		body = compress(body)
		header.Set("Content-Encoding", encodingGzip)
	}
	request, err := http.NewRequestWithContext(ctx, s.method, address.String(), bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the request cannot be built")
	}
	request.Header = header
	if s.config.Prepare != nil {
		if err := s.config.Prepare(request, body, messages); err != nil {
			return nil, fmt.Errorf("prepare: %w", err)
		}
		if err := checkValues("prepare: header", request.Header); err != nil {
			return nil, err
		}
	}

	return request, nil
}

// leave closes the body. A short rest is read first, so that the next request need not
// wait for the connection, or open another one.
func leave(response *http.Response) {
	const short = 4 << 10
	if n := response.ContentLength; n > 0 && n <= short {
		_, _ = io.CopyN(io.Discard, response.Body, n)
	}
	_ = response.Body.Close()
}
