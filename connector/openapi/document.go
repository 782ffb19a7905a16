package openapi

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json/v2"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/millrace-go/millrace/connector/httpconn"
)

// Info says what is described.
type Info struct {
	// Title and Version are those of the service; required.
	Title   string `json:"title"`
	Version string `json:"version"`
	// Description may be Markdown.
	Description string `json:"description,omitempty"`
}

// Endpoint is what is served: an [httpconn.Handler] or an [httpconn.Intake].
type Endpoint interface {
	Operation() httpconn.Operation
}

// Route is an endpoint and where it is served.
type Route struct {
	// Path is the path, with parameters as net/http writes them: /orders/{id}. Required.
	Path string
	// Endpoint is what is served there; required.
	Endpoint Endpoint
	// ID is the operationId; default made of method and path.
	ID string
	// Summary is one line; Description may be Markdown.
	Summary     string
	Description string
	// Tags group operations.
	Tags []string
	// Query are the parameters that the Decode of a handler reads.
	Query []Parameter
}

// Parameter is one of the query.
type Parameter struct {
	Name        string
	Description string
	Required    bool
}

// Document is a description. Make one with [New]. It is the handler that serves itself.
type Document struct {
	data []byte
	etag string
}

// New describes the routes, or returns all errors: a path that is not one, two routes for
// one method and path, a type that JSON cannot hold.
func New(info Info, routes ...Route) (*Document, error) {
	b := builder{paths: map[string]any{}, schemas: newSchemas(), ids: map[string]bool{}}
	if info.Title == "" || info.Version == "" {
		b.fail("Info needs a Title and a Version")
	}
	for _, route := range routes {
		b.add(route)
	}
	b.schemas.components["Problem"] = problem()
	data, err := json.Marshal(map[string]any{
		"openapi": "3.1.0", "info": info, "paths": b.paths,
		"components": map[string]any{"schemas": b.schemas.components},
	}, json.Deterministic(true))
	if err := errors.Join(append(b.errs, err)...); err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	sum := sha256.Sum256(data)

	return &Document{data: data, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}, nil
}

// JSON returns the description. The same routes give the same bytes.
func (d *Document) JSON() []byte { return slices.Clone(d.data) }

// ServeHTTP implements http.Handler.
func (d *Document) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", d.etag)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Header.Get("If-None-Match") == d.etag {
		w.WriteHeader(http.StatusNotModified)

		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(d.data) // it fails when the client has gone
}

// builder gathers the parts of a document.
type builder struct {
	paths   map[string]any
	schemas *schemas
	ids     map[string]bool
	errs    []error
}

func (b *builder) fail(format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf(format, args...))
}

func (b *builder) add(route Route) {
	if route.Endpoint == nil {
		b.fail("route %q: Endpoint is nil", route.Path)

		return
	}
	path, names, err := template(route.Path)
	if err != nil {
		b.fail("route %q: %w", route.Path, err)

		return
	}
	o := route.Endpoint.Operation()
	item, _ := b.paths[path].(map[string]any)
	if item == nil {
		item = map[string]any{}
		b.paths[path] = item
	}
	method := strings.ToLower(o.Method)
	if item[method] != nil {
		b.fail("route %q: %s is described twice", route.Path, o.Method)
	}
	item[method] = b.operation(route, o, names)
}

func (b *builder) operation(route Route, o httpconn.Operation, names []string) map[string]any {
	id := route.ID
	if id == "" {
		id = strings.ToLower(o.Method) + strings.NewReplacer("/", "_", "{", "", "}", "", ".", "").Replace(route.Path)
	}
	if b.ids[id] {
		b.fail("route %q: ID %q is that of another route", route.Path, id)
	}
	b.ids[id] = true
	operation := map[string]any{"operationId": id, "responses": b.responses(route.Path, o)}
	for name, text := range map[string]string{"summary": route.Summary, "description": route.Description} {
		if text != "" {
			operation[name] = text
		}
	}
	if len(route.Tags) > 0 {
		operation["tags"] = route.Tags
	}
	if list := parameters(route.Query, names, o.IdempotencyKey); len(list) > 0 {
		operation["parameters"] = list
	}
	if o.Request != nil {
		schema, err := b.schemas.of(o.Request)
		if err != nil {
			b.fail("route %q: request: %w", route.Path, err)
		}
		operation["requestBody"] = map[string]any{
			"required": true, "description": fmt.Sprintf("At most %d bytes.", o.MaxBody),
			"content": map[string]any{"application/json": map[string]any{"schema": schema}},
		}
	}

	return operation
}

func parameters(query []Parameter, path []string, key bool) []any {
	var list []any
	text := map[string]any{"type": "string"}
	for _, name := range path {
		list = append(list, map[string]any{"name": name, "in": "path", "required": true, "schema": text})
	}
	for _, p := range query {
		one := map[string]any{"name": p.Name, "in": "query", "required": p.Required, "schema": text}
		if p.Description != "" {
			one["description"] = p.Description
		}
		list = append(list, one)
	}
	if key {
		list = append(list, map[string]any{
			"name": "Idempotency-Key", "in": "header", "required": false,
			"description": "Identifies the request, so that it can be sent again.",
			"schema":      map[string]any{"type": "string", "minLength": 1, "maxLength": 255},
		})
	}

	return list
}

func (b *builder) responses(path string, o httpconn.Operation) map[string]any {
	responses := map[string]any{}
	for _, status := range o.Successes {
		schema, err := b.schemas.of(o.Response)
		if err != nil {
			b.fail("route %q: response: %w", path, err)
		}
		responses[fmt.Sprint(status)] = response(status, "application/json", schema)
	}
	for _, status := range o.Problems {
		answer := response(status, "application/problem+json", map[string]any{"$ref": "#/components/schemas/Problem"})
		if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
			headers, _ := answer["headers"].(map[string]any)
			headers = maps.Clone(headers)
			headers["Retry-After"] = map[string]any{"description": "Seconds to wait.", "schema": map[string]any{"type": "integer", "minimum": 1}}
			answer["headers"] = headers
		}
		responses[fmt.Sprint(status)] = answer
	}

	return responses
}

func response(status int, content string, schema any) map[string]any {
	return map[string]any{
		"description": http.StatusText(status),
		"headers":     map[string]any{"X-Request-ID": map[string]any{"schema": map[string]any{"type": "string"}}},
		"content":     map[string]any{content: map[string]any{"schema": schema}},
	}
}

// problem is the schema of RFC 9457 as package httpconn writes it.
func problem() map[string]any {
	text := map[string]any{"type": "string"}

	return map[string]any{
		"type": "object", "required": []string{"type", "title", "status", "request_id"},
		"properties": map[string]any{
			"type": text, "title": text, "status": map[string]any{"type": "integer"}, "detail": text, "request_id": text,
		},
	}
}

// template checks a path and returns it as OpenAPI writes it, with the parameters' names.
func template(path string) (string, []string, error) {
	if !strings.HasPrefix(path, "/") {
		return "", nil, errors.New("the path does not begin with /")
	}
	var names []string
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		inner, opened := strings.CutPrefix(segment, "{")
		name, closed := strings.CutSuffix(inner, "}")
		name, _ = strings.CutSuffix(name, "...")
		switch {
		case strings.ContainsAny(name, "{}") || opened != closed || opened && name == "":
			return "", nil, fmt.Errorf("segment %q is neither text nor a parameter", segment)
		case !opened:
			continue
		case slices.Contains(names, name):
			return "", nil, fmt.Errorf("parameter %q stands twice", name)
		}
		names = append(names, name)
		segments[i] = "{" + name + "}"
	}

	return strings.Join(segments, "/"), names, nil
}
