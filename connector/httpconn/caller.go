package httpconn

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Caller asks an HTTP service: it sends the request as JSON, or in the path and query, and
// reads the JSON reply. Make one with [NewCaller]. It is safe for concurrent use and
// never tries twice.
//
// A reply of 204 or 205 is the zero Resp, and with struct{} as Resp the body of any
// success is thrown away. Other replies than 2xx are a *[StatusError]: 429, and 503 with
// Retry-After, are throttled; 408 and 425 transient; 501, 505 and what is below 500
// permanent; the other 5xx, like a reply that breaks off or cannot be read, transient
// where the method is idempotent and ambiguous where it is not.
type Caller[Req, Resp any] struct {
	endpoint

	config   CallerConfig[Req]
	address  *url.URL
	name     string
	request  connector.Codec[Req]
	response connector.Codec[Resp]
}

// NewCaller returns a caller of the endpoint, or all errors of the configuration.
func NewCaller[Req, Resp any](config CallerConfig[Req]) (*Caller[Req, Resp], error) {
	address, err := config.complete()
	if err != nil {
		return nil, fmt.Errorf("httpconn: caller: %w", err)
	}
	config.Header = defaultHeaders(config.Header, hasBody(config.Method))
	c := &Caller[Req, Resp]{config: config, address: address}
	c.name = config.Method + " " + display(address)
	c.endpoint = newEndpoint(config.Method, config.MaxRetryAfter, config.Client, config.limits())
	if c.request, err = jsonCodec[Req](config.MaxRequest); err != nil {
		return nil, fmt.Errorf("httpconn: caller: %w", err)
	}
	if c.response, err = jsonCodec[Resp](config.MaxResponse); err != nil {
		return nil, fmt.Errorf("httpconn: caller: %w", err)
	}

	return c, nil
}

// Call sends one request and waits for the reply, the Timeout, or the end of ctx.
func (c *Caller[Req, Resp]) Call(ctx context.Context, req Req) (Resp, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	var none Resp
	request, err := c.newRequest(ctx, req)
	if err != nil {
		return none, connector.Permanent(fmt.Errorf("httpconn: %s: %w", c.name, err))
	}
	response, err := c.send(request)
	if err != nil {
		return none, err
	}
	// Close reads a short rest in the background, so that the connection can be used
	// again. The reply has been read or given up by then: its error tells nothing more.
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return none, c.statusError(response, time.Now())
	}

	return c.read(response)
}

// Describe names the method and the URL, without its query and user.
func (c *Caller[Req, Resp]) Describe() connector.Capabilities {
	return connector.Capabilities{Name: c.name}
}

// Close closes the idle connections of the default Client. It does nothing to a Client
// that was given.
func (c *Caller[Req, Resp]) Close() error {
	c.closeIdle()

	return nil
}

func hasBody(method string) bool {
	return method != http.MethodGet && method != http.MethodDelete
}

// display is the address as errors and metrics show it: without user, query and fragment,
// which may be secret.
func display(address *url.URL) string {
	return (&url.URL{
		Scheme: address.Scheme, Host: address.Host, Path: address.Path, RawPath: address.RawPath,
	}).String()
}
