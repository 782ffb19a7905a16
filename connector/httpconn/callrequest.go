package httpconn

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// newRequest puts req into the address and the body.
func (c *Caller[Req, Resp]) newRequest(ctx context.Context, req Req) (*http.Request, error) {
	address, err := c.target(req)
	if err != nil {
		return nil, err
	}
	var body io.Reader
	if hasBody(c.config.Method) {
		encoded, err := c.request.Append(nil, req)
		if err != nil {
			return nil, fmt.Errorf("request body: %w", err)
		}
		body = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, c.config.Method, address.String(), body)
	if err != nil {
		return nil, fmt.Errorf("request to %s cannot be built", display(address))
	}
	request.Header = c.config.Header.Clone()

	return request, nil
}

func (c *Caller[Req, Resp]) target(req Req) (*url.URL, error) {
	address := *c.address
	if c.config.Path != nil {
		if err := addPath(&address, c.config.Path(req)); err != nil {
			return nil, err
		}
	}
	if c.config.Query != nil {
		if query := c.config.Query(req).Encode(); query != "" {
			address.RawQuery = strings.TrimPrefix(address.RawQuery+"&"+query, "&")
		}
	}

	return &address, nil
}

// addPath escapes the segments and adds them to the path.
func addPath(address *url.URL, segments []string) error {
	if len(segments) == 0 {
		return nil
	}
	escaped := []string{strings.TrimSuffix(address.EscapedPath(), "/")}
	plain := []string{strings.TrimSuffix(address.Path, "/")}
	for _, segment := range segments {
		if segment == "" || segment == "." || segment == ".." {
			return fmt.Errorf("path segment %q would name another resource", segment)
		}
		escaped = append(escaped, url.PathEscape(segment))
		plain = append(plain, segment)
	}
	address.Path, address.RawPath = strings.Join(plain, "/"), strings.Join(escaped, "/")

	return nil
}

// defaultHeaders returns a copy of header with what JSON needs.
func defaultHeaders(header http.Header, body bool) http.Header {
	full := http.Header{"Accept": {contentJSON}}
	if body {
		full.Set("Content-Type", contentJSON)
	}
	for name, values := range header {
		full[http.CanonicalHeaderKey(name)] = append([]string(nil), values...)
	}

	return full
}
