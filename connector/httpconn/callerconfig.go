package httpconn

import (
	"errors"
	"net/http"
	"net/url"
	"time"
)

// CallerConfig says which endpoint a [Caller] asks, and within which bounds.
type CallerConfig[Req any] struct {
	// Method is GET, POST, PUT, PATCH or DELETE; default POST. GET and DELETE send no
	// body: the request travels in Path and Query.
	Method string
	// URL is the absolute address, http or https; required. A query in it is sent with
	// every request.
	URL string
	// Path returns segments to add to the path of URL. Each is escaped; a segment that
	// is empty, "." or ".." would name another resource and fails the call. Default none.
	Path func(Req) []string
	// Query returns parameters to add to those of URL. Default none.
	Query func(Req) url.Values
	// Header is sent with every request. Accept and Content-Type have defaults.
	Header http.Header
	// Client sends the requests. The default is a client of the Caller's own with at
	// most 64 connections to a host. A client without a CheckRedirect of its own follows
	// up to 5 redirects of a GET within one origin, and none otherwise.
	Client *http.Client
	// Timeout bounds one call from the connection to the end of the reply; default 10 s.
	Timeout time.Duration
	// MaxRequest is the most bytes of a request body; default 1 MiB.
	MaxRequest int
	// MaxResponse is the most bytes of a reply, decompressed; default 1 MiB.
	MaxResponse int
	// MaxHeader is the most bytes of the header of a reply; default 64 KiB. It belongs to
	// the default Client, and is an error together with another one.
	MaxHeader int64
	// MaxRetryAfter is the longest wait that a reply can ask for; default 5 min.
	MaxRetryAfter time.Duration
}

const (
	defaultBody          = 1 << 20
	defaultHeader        = 64 << 10
	defaultCallTimeout   = 10 * time.Second
	defaultMaxRetryAfter = 5 * time.Minute
)

// complete fills the defaults in and returns the parsed URL, or all errors.
func (c *CallerConfig[Req]) complete() (*url.URL, error) {
	if c.Method == "" {
		c.Method = http.MethodPost
	}
	address, err := parseURL(c.URL)
	errs := []error{
		err,
		checkServed("CallerConfig.Method", c.Method,
			http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete),
		checkHeader(c.Header),
		setBound("CallerConfig.Timeout", &c.Timeout, defaultCallTimeout),
		setBound("CallerConfig.MaxRequest", &c.MaxRequest, defaultBody),
		setBound("CallerConfig.MaxResponse", &c.MaxResponse, defaultBody),
		setBound("CallerConfig.MaxRetryAfter", &c.MaxRetryAfter, defaultMaxRetryAfter),
	}
	if c.Client != nil && c.MaxHeader != 0 {
		errs = append(errs, errors.New("CallerConfig.MaxHeader has no effect on the given Client: set it in its Transport"))
	}
	errs = append(errs, setBound("CallerConfig.MaxHeader", &c.MaxHeader, defaultHeader))

	return address, errors.Join(errs...)
}

func parseURL(text string) (*url.URL, error) {
	address, err := url.Parse(text)
	switch {
	case err != nil: // the parser's error repeats the text, which may hold a password
		return nil, errors.New("CallerConfig.URL cannot be parsed")
	case address.Scheme != "http" && address.Scheme != "https", address.Hostname() == "":
		return nil, errors.New("CallerConfig.URL is not an absolute http or https address")
	case address.Fragment != "":
		return nil, errors.New("CallerConfig.URL has a fragment, which is never sent")
	default:
		return address, nil
	}
}
