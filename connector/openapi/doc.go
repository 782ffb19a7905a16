// Package openapi writes an OpenAPI 3.1 description of the steps and intakes that package
// httpconn serves, from their types:
//
//	description, err := openapi.New(openapi.Info{Title: "Shop", Version: "1.0"},
//		openapi.Route{Path: "/orders", Summary: "Place an order", Endpoint: intake},
//		openapi.Route{Path: "/quotes", Summary: "Ask for a price", Endpoint: quotes})
//	mux.Handle("GET /openapi.json", description)
//
// Schemas follow what encoding/json/v2 does with a type: the names and the options of json
// tags, embedded structs, pointers as values that may be null, types that marshal
// themselves as text or as any JSON. A validate tag adds what it demands: required, min,
// max, len, gt, gte, lt, lte, oneof, unique, email, url, uri, uuid, ipv4, ipv6, hostname,
// alphanum, and dive for elements; others are left out. Named structs become components,
// so types may be recursive.
//
// A [Document] does not change after New, and is safe for concurrent use.
package openapi
