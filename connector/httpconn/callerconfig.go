package httpconn

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/millrace-go/millrace/connector/netguard"
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
	// most MaxConns connections to a host. A client without a CheckRedirect of its own follows
	// up to 5 redirects of a GET within one origin, and none otherwise.
	Client *http.Client
	// Timeout bounds one call from the connection to the end of the reply; default 10 s.
	Timeout time.Duration
	// MaxRequest is the most bytes of a request body; default 1 MiB.
	MaxRequest int
	// MaxResponse is the most bytes of a reply, decompressed; default 1 MiB.
	MaxResponse int
	// MaxHeader is the most bytes of the header of a reply; default 64 KiB. It belongs to
	// the default Client, and is an error together with another one. So are MaxConns and
	// Guard.
	MaxHeader int64
	// MaxConns is the most connections to a host, all of which are kept for the next
	// requests; default 64. Further requests wait.
	MaxConns int
	// Guard refuses connections to addresses that are not public, for a URL that comes
	// from a user; no proxy is used then. Default none, because the URL is fixed.
	Guard *netguard.Guard
	// MaxRetryAfter is the longest wait that a reply can ask for; default 5 min.
	MaxRetryAfter time.Duration
}

const (
	defaultBody          = 1 << 20
	defaultHeader        = 64 << 10
	defaultConns         = 64
	defaultCallTimeout   = 10 * time.Second
	defaultMaxRetryAfter = 5 * time.Minute
)

// complete fills the defaults in and returns the parsed URL, or all errors.
func (c *CallerConfig[Req]) complete() (*url.URL, error) {
	if c.Method == "" {
		c.Method = http.MethodPost
	}
	address, err := parseURL("CallerConfig.URL", c.URL)
	errs := []error{
		err,
		checkServed("CallerConfig.Method", c.Method,
			http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete),
		checkHeader("CallerConfig.Header", c.Header),
		setBound("CallerConfig.Timeout", &c.Timeout, defaultCallTimeout),
		setBound("CallerConfig.MaxRequest", &c.MaxRequest, defaultBody),
		setBound("CallerConfig.MaxResponse", &c.MaxResponse, defaultBody),
		setBound("CallerConfig.MaxRetryAfter", &c.MaxRetryAfter, defaultMaxRetryAfter),
	}
	errs = append(errs, completeClient("CallerConfig", c.Client, &c.MaxHeader, &c.MaxConns, c.Guard))

	return address, errors.Join(errs...)
}

func (c *CallerConfig[Req]) limits() clientLimits {
	return clientLimits{maxHeader: c.MaxHeader, maxConns: c.MaxConns, guard: c.Guard}
}

// completeClient fills in the defaults of what belongs to the default client, or refuses
// what has no effect on a given one.
func completeClient(config string, given *http.Client, maxHeader *int64, maxConns *int, guard *netguard.Guard) error {
	var errs []error
	if given != nil {
		for name, set := range map[string]bool{"MaxHeader": *maxHeader != 0, "MaxConns": *maxConns != 0, "Guard": guard != nil} {
			if set {
				errs = append(errs, fmt.Errorf("%s.%s has no effect on the given Client: set it in its Transport", config, name))
			}
		}
	}
	errs = append(errs, setBound(config+".MaxHeader", maxHeader, defaultHeader), setBound(config+".MaxConns", maxConns, defaultConns))

	return errors.Join(errs...)
}

func parseURL(field, text string) (*url.URL, error) {
	address, err := url.Parse(text)
	switch {
	case err != nil: // the parser's error repeats the text, which may hold a password
		return nil, errors.New(field + " cannot be parsed")
	case address.Scheme != "http" && address.Scheme != "https", address.Hostname() == "":
		return nil, errors.New(field + " is not an absolute http or https address")
	case address.Fragment != "":
		return nil, errors.New(field + " has a fragment, which is never sent")
	default:
		return address, nil
	}
}
