package httpconn

import (
	"net"
	"net/http"
	"time"

	"github.com/millrace-go/millrace/connector/netguard"
)

const maxRedirects = 5

// clientLimits are those of a client that is not given.
type clientLimits struct {
	maxHeader int64
	maxConns  int
	guard     *netguard.Guard
}

// newClient returns the client of an endpoint and, where it is the endpoint's own, its
// transport.
func newClient(given *http.Client, method string, limits clientLimits) (*http.Client, *http.Transport) {
	if given == nil {
		transport := newTransport(limits)

		return &http.Client{Transport: transport, CheckRedirect: redirects(method)}, transport
	}
	client := *given
	if client.CheckRedirect == nil {
		client.CheckRedirect = redirects(method)
	}

	return &client, nil
}

func newTransport(limits clientLimits) *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
	proxy := http.ProxyFromEnvironment
	if limits.guard != nil {
		dialer.Control = limits.guard.Control
		proxy = nil // it would connect to what the guard refuses
	}

	return &http.Transport{
		Proxy:                  proxy,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    5 * time.Second,
		MaxIdleConns:           2 * limits.maxConns,
		MaxIdleConnsPerHost:    limits.maxConns,
		MaxConnsPerHost:        limits.maxConns,
		IdleConnTimeout:        90 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: limits.maxHeader,
	}
}

// redirects follows a GET within its origin alone: the configured headers may be secret.
// Otherwise the redirect itself is the reply.
func redirects(method string) func(*http.Request, []*http.Request) error {
	return func(next *http.Request, via []*http.Request) error {
		from := via[0].URL
		sameOrigin := next.URL.Scheme == from.Scheme && next.URL.Host == from.Host
		if method != http.MethodGet || !sameOrigin || len(via) > maxRedirects {
			return http.ErrUseLastResponse
		}

		return nil
	}
}
