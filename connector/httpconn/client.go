package httpconn

import (
	"net"
	"net/http"
	"time"
)

const maxRedirects = 5

// newClient returns the client of a Caller and, where it is the Caller's own, its
// transport.
func newClient(given *http.Client, method string, maxHeader int64) (*http.Client, *http.Transport) {
	if given == nil {
		transport := newTransport(maxHeader)

		return &http.Client{Transport: transport, CheckRedirect: redirects(method)}, transport
	}
	client := *given
	if client.CheckRedirect == nil {
		client.CheckRedirect = redirects(method)
	}

	return &client, nil
}

func newTransport(maxHeader int64) *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}

	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    5 * time.Second,
		MaxIdleConns:           128,
		MaxIdleConnsPerHost:    64,
		MaxConnsPerHost:        64,
		IdleConnTimeout:        90 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxHeader,
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
