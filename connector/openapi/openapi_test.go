package openapi_test

import (
	"context"
	"encoding/json/v2"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
	"uuid"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/connector/openapi"
)

var update = flag.Bool("update", false, "write the golden files anew")

type address struct {
	City string `json:"city"          validate:"required"`
	Zip  string `json:"zip,omitempty" validate:"omitempty,len=5"`
}

type line struct {
	SKU      string `json:"sku"      validate:"required,alphanum,max=12"`
	Quantity int    `json:"quantity" validate:"gt=0,lte=100"`
}

type base struct {
	ID   uuid.UUID `json:"id"`
	Made time.Time `json:"made"`
}

type order struct {
	base

	Lines   []line            `json:"lines"           validate:"required,min=1,max=3,dive"`
	Status  string            `json:"status"          validate:"oneof=open 'on hold' closed"`
	Email   string            `json:"email"           validate:"omitempty,email"`
	To      address           `json:"to"`
	Billing *address          `json:"billing"`
	Tags    []string          `json:"tags"            validate:"unique,dive,min=2"`
	Notes   map[string]string `json:"notes,omitempty"`
	Weight  *float64          `json:"weight"          validate:"omitempty,gte=0"`
	Scan    []byte            `json:"scan"`
	Code    int64             `json:"code,string"`
	Any     any               `json:"any"`
	Parts   []order           `json:"parts,omitempty"`
	Pair    [2]uint16         `json:"pair"`
	hidden  int
	Skipped func() `json:"-"`
}

type page[T any] struct {
	Items []T `json:"items"`
}

func handlerOf[Req, Resp any](t *testing.T, config httpconn.HandlerConfig[Req]) openapi.Endpoint {
	t.Helper()
	handler, err := httpconn.NewHandler(connector.CallerFunc[Req, Resp](func(context.Context, Req) (Resp, error) {
		var none Resp

		return none, nil
	}), config)
	if err != nil {
		t.Fatal(err)
	}

	return handler
}

func intakeOf[T any](t *testing.T, config httpconn.IntakeConfig) openapi.Endpoint {
	t.Helper()
	intake, err := httpconn.NewIntake[T](config)
	if err != nil {
		t.Fatal(err)
	}

	return intake
}

func describe(t *testing.T, routes ...openapi.Route) (document *openapi.Document, parsed map[string]any) {
	t.Helper()
	document, err := openapi.New(openapi.Info{Title: "Shop", Version: "1.0"}, routes...)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(document.JSON(), &parsed); err != nil {
		t.Fatal(err)
	}

	return document, parsed
}

func service(t *testing.T) []openapi.Route {
	t.Helper()

	return []openapi.Route{
		{Path: "/orders", Summary: "Place an order", Tags: []string{"orders"}, Endpoint: intakeOf[order](t, httpconn.IntakeConfig{})},
		{Path: "/orders/{id}/lines/{rest...}", Endpoint: handlerOf[string, page[line]](t, httpconn.HandlerConfig[string]{
			Method: http.MethodGet, Decode: func(r *http.Request) (string, error) { return r.PathValue("id"), nil },
		}), Query: []openapi.Parameter{{Name: "limit", Description: "The most lines."}}},
		{Path: "/orders/{id}", ID: "replace", Description: "Replaces *all* of it.", Endpoint: handlerOf[order, order](t, httpconn.HandlerConfig[order]{
			Method: http.MethodPut, MaxBody: 1000,
		})},
	}
}

// The description of a service, as a reviewer reads it.
func TestGolden(t *testing.T) {
	t.Parallel()
	document, _ := describe(t, service(t)...)
	var indented strings.Builder
	if err := json.MarshalWrite(&indented, jsonText(document.JSON()), indent); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/service.json"
	if *update {
		if err := os.WriteFile(golden, []byte(indented.String()+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || indented.String()+"\n" != string(want) {
		t.Errorf("the description differs from %s, write it with -update: %v\n%s", golden, err, indented.String())
	}
}

// Every reference leads to something, every operation has an ID of its own and answers,
// and what the handlers say they answer is there.
func TestComplete(t *testing.T) {
	t.Parallel()
	_, parsed := describe(t, service(t)...)
	if parsed["openapi"] != "3.1.0" {
		t.Errorf("version %v", parsed["openapi"])
	}
	references := 0
	walk(parsed, func(m map[string]any) {
		if to, ok := m["$ref"].(string); ok {
			references++
			if lookup(parsed, to) == nil {
				t.Errorf("%s leads nowhere", to)
			}
		}
	})
	if references < 10 {
		t.Errorf("only %d references", references)
	}
	ids := map[string]bool{}
	for path, item := range parsed["paths"].(map[string]any) {
		for method, operation := range item.(map[string]any) {
			o := operation.(map[string]any)
			id := o["operationId"].(string)
			responses := o["responses"].(map[string]any)
			if ids[id] || responses["200"] == nil || responses["503"] == nil || responses["400"] == nil {
				t.Errorf("%s %s: ID %s, responses %v", method, path, id, responses)
			}
			ids[id] = true
			for _, name := range strings.Split(path, "{")[1:] {
				if !strings.Contains(string(must(json.Marshal(o["parameters"]))), `"`+strings.Split(name, "}")[0]+`"`) {
					t.Errorf("%s %s: parameter %s is not described", method, path, name)
				}
			}
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	good := intakeOf[line](t, httpconn.IntakeConfig{})
	type bad struct {
		C chan int `json:"c"`
	}
	type rule struct {
		N int `json:"n" validate:"min=x"`
	}
	_, err := openapi.New(openapi.Info{},
		openapi.Route{Path: "/a"}, openapi.Route{Path: "b", Endpoint: good}, openapi.Route{Path: "/c", Endpoint: good},
		openapi.Route{Path: "/c", Endpoint: good}, openapi.Route{Path: "/d/{x}/{x}", Endpoint: good}, openapi.Route{Path: "/e/{}", Endpoint: good},
		openapi.Route{Path: "/f/x{y}", Endpoint: good}, openapi.Route{Path: "/g", Endpoint: intakeOf[bad](t, httpconn.IntakeConfig{})},
		openapi.Route{Path: "/h", Endpoint: intakeOf[rule](t, httpconn.IntakeConfig{})},
	)
	for _, want := range []string{
		"Title and a Version", `"/a": Endpoint is nil`, `"b": the path does not begin`, "POST is described twice", `ID "post_c"`,
		`parameter "x" stands twice`, `segment "{}"`, `segment "x{y}"`, "bad.C: JSON cannot hold a chan int", `"x" is not a number`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not mention %q: %v", want, err)
		}
	}
}

// Types of one name are told apart, and recursive ones end.
func TestNames(t *testing.T) {
	t.Parallel()
	type line struct{ Other bool }
	type node struct {
		Next *node `json:"next"`
	}
	_, parsed := describe(t,
		openapi.Route{Path: "/a", Endpoint: intakeOf[line](t, httpconn.IntakeConfig{})},
		openapi.Route{Path: "/b", Endpoint: handlerOf[page[order], node](t, httpconn.HandlerConfig[page[order]]{})},
		openapi.Route{Path: "/c", Endpoint: intakeOf[struct{ N int }](t, httpconn.IntakeConfig{})},
	)
	for _, name := range []string{"Line", "Line2", "Order", "Page_order", "Node", "Receipt", "Problem", "Address"} {
		if lookup(parsed, "#/components/schemas/"+name) == nil {
			t.Errorf("no component %s", name)
		}
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	document, _ := describe(t, service(t)...)
	w := httptest.NewRecorder()
	document.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	if w.Body.String() != string(document.JSON()) || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%v", w.Header())
	}
	again := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	again.Header.Set("If-None-Match", w.Header().Get("ETag"))
	w = httptest.NewRecorder()
	document.ServeHTTP(w, again)
	if w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("status %d", w.Code)
	}
}
