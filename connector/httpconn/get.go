package httpconn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/netguard"
)

// ClientConfig bounds a [Client]. The zero value is ready to use.
type ClientConfig struct {
	// Client sends the requests. The default is a client of the Client's own. One without
	// a CheckRedirect of its own follows up to 5 redirects within one origin.
	Client *http.Client
	// MaxRetryAfter is the longest wait that an answer can ask for; default 5 min.
	MaxRetryAfter time.Duration
	// MaxHeader is the most bytes of the header of an answer; default 64 KiB. It belongs
	// to the default Client, and is an error together with another one. So are MaxConns
	// and Guard.
	MaxHeader int64
	// MaxConns is the most connections to a host; default 64.
	MaxConns int
	// Guard refuses connections to addresses that are not public; no proxy is used then.
	// Default none.
	Guard *netguard.Guard
}

// Client gets resources and classifies what goes wrong, for connectors of your own, such
// as those of package httpsource. Make one with [NewClient]. It is safe for concurrent
// use and never tries twice.
type Client struct {
	endpoint
}

// NewClient returns a client, or all errors of the configuration.
func NewClient(config ClientConfig) (*Client, error) {
	err := errors.Join(
		setBound("ClientConfig.MaxRetryAfter", &config.MaxRetryAfter, defaultMaxRetryAfter),
		completeClient("ClientConfig", config.Client, &config.MaxHeader, &config.MaxConns, config.Guard))
	if err != nil {
		return nil, fmt.Errorf("httpconn: client: %w", err)
	}

	return &Client{newEndpoint(http.MethodGet, config.MaxRetryAfter, config.Client,
		clientLimits{maxHeader: config.MaxHeader, maxConns: config.MaxConns, guard: config.Guard})}, nil
}

// Get asks for the address, which is absolute and http or https. The answer is 2xx or 304;
// any other is a *[StatusError] with the class that [Caller] describes. The caller reads
// the body within bounds of its own and closes it. Errors show the address without user
// and query.
func (c *Client) Get(ctx context.Context, address string, header http.Header) (*http.Response, error) {
	target, err := parseURL("the address", address)
	if err != nil {
		return nil, connector.Permanent(fmt.Errorf("httpconn: %w", err))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, connector.Permanent(fmt.Errorf("httpconn: GET %s: the request cannot be built", display(target)))
	}
	for name, values := range header {
		request.Header[http.CanonicalHeaderKey(name)] = append([]string(nil), values...)
	}
	response, err := c.send(request)
	if err != nil {
		return nil, err
	}
	if code := response.StatusCode; (code < 200 || code > 299) && code != http.StatusNotModified {
		defer func() { _ = response.Body.Close() }()

		return nil, c.statusError(response, time.Now())
	}

	return response, nil
}

// Close closes the idle connections of the default client. It does nothing to one that was
// given.
func (c *Client) Close() error {
	c.closeIdle()

	return nil
}
