package httpconn_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

func ExampleCaller() {
	// A price service that stands for a real one.
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/prices/ABC 1" {
			http.NotFound(w, r)

			return
		}
		_, _ = io.WriteString(w, `{"cents": 1250}`)
	}))
	defer service.Close()

	type Price struct {
		Cents int `json:"cents"`
	}
	prices, err := httpconn.NewCaller[string, Price](httpconn.CallerConfig[string]{
		Method: http.MethodGet,
		URL:    service.URL + "/prices",
		Path:   func(article string) []string { return []string{article} },
	})
	if err != nil {
		fmt.Println(err)

		return
	}
	defer prices.Close()
	ctx := context.Background()
	price, err := prices.Call(ctx, "ABC 1")
	fmt.Println(price.Cents, err)
	_, err = prices.Call(ctx, "../admin")
	if status, ok := errors.AsType[*httpconn.StatusError](err); ok {
		fmt.Println(status.Code, connector.ClassOf(err))
	}
	// Output:
	// 1250 <nil>
	// 404 permanent
}

func ExampleHandler() {
	type Order struct {
		Articles []string `json:"articles"`
	}
	type Quote struct {
		Cents int `json:"cents"`
	}
	// Any Caller can be served; a Step of a flow is one.
	quote := connector.CallerFunc[Order, Quote](func(_ context.Context, o Order) (Quote, error) {
		if len(o.Articles) == 0 {
			return Quote{}, connector.Permanent(errors.New("an order without articles"))
		}

		return Quote{Cents: 100 * len(o.Articles)}, nil
	})
	handler, err := httpconn.NewHandler(quote, httpconn.HandlerConfig[Order]{
		OnError: func(_ context.Context, f httpconn.Failure) { fmt.Println("log:", f.Status, f.Err) },
	})
	if err != nil {
		fmt.Println(err)

		return
	}
	server := httptest.NewServer(handler) // or httpconn.NewServer(":8080", handler)
	defer server.Close()
	for _, body := range []string{`{"articles": ["a", "b"]}`, `{"articles": []}`} {
		response, err := http.Post(server.URL, "application/json", strings.NewReader(body))
		if err != nil {
			fmt.Println(err)

			return
		}
		fmt.Println(response.StatusCode, response.Header.Get("Content-Type"))
		_ = response.Body.Close()
	}
	// Output:
	// 200 application/json
	// log: 422 an order without articles
	// 422 application/problem+json
}

func ExampleIntake() {
	type Order struct {
		ID string `json:"id"`
	}
	intake, err := httpconn.NewIntake[Order](httpconn.IntakeConfig{Name: "orders"})
	if err != nil {
		fmt.Println(err)

		return
	}
	server := httptest.NewServer(intake) // or httpconn.NewServer(":8080", intake)
	defer server.Close()

	// A pipeline does this part: read, process, settle.
	ctx := context.Background()
	reader, err := intake.Open(ctx)
	if err != nil {
		fmt.Println(err)

		return
	}
	defer reader.Close()
	go func() {
		messages, err := reader.Read(ctx, 10)
		if err != nil {
			return
		}
		for _, m := range messages {
			_ = reader.Settle(ctx, []connector.Settlement{{Position: m.Position(), Outcome: connector.Delivered}})
		}
	}()

	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader(`{"id": "A-7"}`))
	if err != nil {
		fmt.Println(err)

		return
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", "order-A-7")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		fmt.Println(err)

		return
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	fmt.Println(response.StatusCode, string(body), err)
	// Output:
	// 200 {"id":"order-A-7","outcome":"delivered"} <nil>
}

func ExampleParseRetryAfter() {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for _, value := range []string{"120", "Wed, 01 Jul 2026 12:00:30 GMT", "86400", "soon"} {
		fmt.Println(httpconn.ParseRetryAfter(value, now, time.Hour))
	}
	// Output:
	// 2m0s true
	// 30s true
	// 1h0m0s true
	// 0s false
}

func ExampleNewServer() {
	server := httpconn.NewServer(":8080", http.NotFoundHandler())
	fmt.Println(server.Addr, server.ReadHeaderTimeout, server.MaxHeaderBytes)
	// Output:
	// :8080 5s 65536
}

func ExampleNewSink() {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Println(r.Method, r.Header.Get("Idempotency-Key"), string(body), err)
	}))
	defer server.Close()
	sink, err := httpconn.NewSink(httpconn.SinkConfig[order]{URL: server.URL, Idempotent: true})
	if err != nil {
		fmt.Println(err)

		return
	}
	defer sink.Close()
	orders := memory.NewSource(order{ID: "A-7"}, order{ID: "A-8"})
	fmt.Println(flow.New("export", flow.From(orders).To(sink)).Run(context.Background()))
	// Output:
	// POST memory:1 {"id":"A-7"} <nil>
	// POST memory:2 {"id":"A-8"} <nil>
	// <nil>
}
