package httpsource

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/transform"
)

// PagesConfig says what a [Pages] walks.
type PagesConfig[Body, T any] struct {
	Endpoint

	// Items are the messages of a page; required.
	Items func(Body) []T
	// Cursor names the next page; empty, or that of the page itself, on the last one.
	// Without Cursor the next page is the one that the Link header calls next, which must
	// be of the same origin as the URL.
	Cursor func(Body) string
	// CursorParam is the query parameter that carries the Cursor; default "cursor".
	CursorParam string
	// ID identifies an item, so that a flow can process it once although its page is read
	// again. Default the Position.
	ID func(T) string
	// Poll is how long to wait at the last page, or after an empty one, before asking for
	// it again. A last page is asked for with If-None-Match; when it changed, all of its
	// items are handed out again. Default 0: the source ends there.
	Poll time.Duration
	// MaxPage is the most bytes of a page, decompressed; default 8 MiB.
	MaxPage int
}

const (
	defaultPage = 8 << 20
	// maxEmpty is how many pages without items may follow each other without Poll.
	maxEmpty = 1_000
	// maxToken is the most bytes of a cursor or an ETag that is sent back.
	maxToken = 4 << 10
)

// Pages is a source of the items of a paged resource. Make one with [NewPages]. The
// checkpoint stands between pages, so a page that was not settled to its end is handed out
// again from its beginning. The last page, to which items may be added, is asked for
// again by the next Open, and handed out again unless its ETag says that it is the same.
type Pages[Body, T any] struct {
	config  PagesConfig[Body, T]
	address *url.URL
	client  *httpconn.Client
	codec   connector.Codec[Body]
}

// NewPages returns a source, or all errors of the configuration.
func NewPages[Body, T any](config PagesConfig[Body, T]) (*Pages[Body, T], error) {
	address, err := config.complete()
	errs := []error{err, setBound("MaxPage", &config.MaxPage, defaultPage)}
	if config.Items == nil {
		errs = append(errs, errors.New("PagesConfig.Items is nil: say what the messages of a page are"))
	}
	if config.Poll < 0 {
		errs = append(errs, fmt.Errorf("PagesConfig.Poll is %v: give 0 to end at the last page, or more", config.Poll))
	}
	switch {
	case config.Cursor == nil && config.CursorParam != "":
		errs = append(errs, errors.New("CursorParam has no effect without Cursor"))
	case config.CursorParam == "":
		config.CursorParam = "cursor"
	}
	client, err := httpconn.NewClient(config.Client)
	errs = append(errs, err)
	codec, err := transform.NewJSON[Body](transform.JSONConfig{MaxBytes: max(config.MaxPage, 0)})
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, fmt.Errorf("httpsource: pages %q: %w", config.Name, err)
	}
	if config.Header.Get("Accept") == "" {
		config.Header.Set("Accept", "application/json")
	}

	return &Pages[Body, T]{config: config, address: address, client: client, codec: codec}, nil
}

// Describe names the address, without its query and user.
func (p *Pages[Body, T]) Describe() connector.Capabilities { return p.config.describe(p.address) }

// first is the address of the page that a cursor, or a link that was stored, names.
func (p *Pages[Body, T]) target(cursor string) (string, error) {
	switch {
	case cursor == "":
		return p.address.String(), nil
	case p.config.Cursor == nil:
		target, ok := resolve(p.address, cursor)
		if !ok {
			return "", errors.New("the next page is of another origin than the URL")
		}

		return target, nil
	default:
		address := *p.address
		query := address.Query()
		query.Set(p.config.CursorParam, cursor)
		address.RawQuery = query.Encode()

		return address.String(), nil
	}
}

// next is the cursor, or the link, of the page after this one; empty on the last one.
func (p *Pages[Body, T]) next(current string, response *http.Response, body Body) (string, error) {
	var next string
	if p.config.Cursor != nil {
		next = p.config.Cursor(body)
	} else if link := nextLink(response.Header.Values("Link")); link != "" {
		target, ok := resolve(response.Request.URL, link)
		if !ok {
			return "", errors.New("the next page is of another origin than this one")
		}
		next = target
	}
	if len(next) > maxToken {
		return "", &connector.LimitError{What: "cursor", Size: int64(len(next)), Limit: maxToken}
	}
	if next == current {
		return "", nil
	}

	return next, nil
}
