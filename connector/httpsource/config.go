package httpsource

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
)

// Endpoint is what the configurations of all sources have in common.
type Endpoint struct {
	// Name is the partition of every Position, and names the checkpoint in the Store;
	// required, at most 200 bytes, and unique among the sources of a Store.
	Name string
	// URL is the absolute address, http or https; required.
	URL string
	// Header is sent with every request.
	Header http.Header
	// Store keeps the checkpoint. Default none: every Open starts at the beginning.
	Store connector.Store
	// Client bounds the connections.
	Client httpconn.ClientConfig
	// Timeout bounds a request until its answer begins, and for a page until it ends;
	// default 10 s.
	Timeout time.Duration
}

const (
	defaultTimeout = 10 * time.Second
	maxName        = 200
)

// complete fills in the defaults and returns the parsed URL, or all errors.
func (e *Endpoint) complete() (*url.URL, error) {
	var errs []error
	if e.Name == "" || len(e.Name) > maxName {
		errs = append(errs, fmt.Errorf("Endpoint.Name has %d bytes: want 1 to %d", len(e.Name), maxName))
	}
	address, err := url.Parse(e.URL)
	if err != nil || address.Scheme != "http" && address.Scheme != "https" || address.Hostname() == "" {
		errs = append(errs, errors.New("URL is not an absolute http or https address"))
	}
	e.Header = e.Header.Clone()
	if e.Header == nil {
		e.Header = http.Header{}
	}
	errs = append(errs, setBound("Timeout", &e.Timeout, defaultTimeout))

	return address, errors.Join(errs...)
}

// describe declares the source.
func (e *Endpoint) describe(address *url.URL) connector.Capabilities {
	shown := url.URL{Scheme: address.Scheme, Host: address.Host, Path: address.Path, RawPath: address.RawPath}

	return connector.Capabilities{Name: "GET " + shown.String(), Ordered: e.Store != nil}
}

// setBound puts the default in place of zero and refuses a negative bound.
func setBound[N ~int | ~int64](name string, bound *N, standard N) error {
	if *bound < 0 {
		return fmt.Errorf("%s is %v: give 0 for the default of %v, or more", name, *bound, standard)
	}
	if *bound == 0 {
		*bound = standard
	}

	return nil
}
