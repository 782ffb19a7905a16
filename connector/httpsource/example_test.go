package httpsource_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/millrace-go/millrace/connector/httpsource"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

type Order struct {
	ID string `json:"id"`
}

type OrderPage struct {
	Orders []Order `json:"orders"`
	Next   string  `json:"next"`
}

// The orders of a shop, page by page; the next run goes on behind what this one did.
func ExampleNewPages() {
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := `{"orders":[{"id":"A-7"},{"id":"A-8"}],"next":"p2"}`
		if r.URL.Query().Get("cursor") == "p2" {
			page = `{"orders":[{"id":"A-9"}]}`
		}
		_, _ = io.WriteString(w, page)
	}))
	defer shop.Close()

	orders, err := httpsource.NewPages(httpsource.PagesConfig[OrderPage, Order]{
		Endpoint: httpsource.Endpoint{Name: "orders", URL: shop.URL + "/orders?limit=2", Store: memory.NewStore()},
		Items:    func(p OrderPage) []Order { return p.Orders },
		Cursor:   func(p OrderPage) string { return p.Next },
		ID:       func(o Order) string { return o.ID },
	})
	if err != nil {
		panic(err)
	}
	sink := memory.NewSink[Order]()
	fmt.Println(flow.New("import", flow.From(orders).To(sink)).Run(context.Background()), sink.Values())
	// Output:
	// <nil> [{A-7} {A-8} {A-9}]
}

// Records are processed while the service still sends.
func ExampleNewRecords() {
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "{\"id\":\"A-7\"}\n{\"id\":\"A-8\"}\n")
	}))
	defer shop.Close()

	format, err := transform.NewNDJSON[Order](transform.NDJSONConfig{})
	if err != nil {
		panic(err)
	}
	orders, err := httpsource.NewRecords(httpsource.RecordsConfig[Order]{
		Endpoint: httpsource.Endpoint{Name: "orders", URL: shop.URL},
		Format:   format,
	})
	if err != nil {
		panic(err)
	}
	sink := memory.NewSink[Order]()
	fmt.Println(flow.New("import", flow.From(orders).To(sink)).Run(context.Background()), sink.Values())
	// Output:
	// <nil> [{A-7} {A-8}]
}

func ExampleNewEvents() {
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Last-Event-ID") == "2" {
			w.WriteHeader(http.StatusNoContent) // there will be no more

			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "retry: 100\n\nid: 1\nevent: paid\ndata: A-7\n\nid: 2\nevent: sent\ndata: A-7\n\n")
	}))
	defer shop.Close()

	events, err := httpsource.NewEvents(httpsource.EventsConfig{
		Endpoint: httpsource.Endpoint{Name: "orders", URL: shop.URL, Store: memory.NewStore()},
	})
	if err != nil {
		panic(err)
	}
	sink := memory.NewSink[httpsource.Event]()
	fmt.Println(flow.New("follow", flow.From(events).To(sink)).Run(context.Background()), sink.Values())
	// Output:
	// <nil> [{1 paid A-7} {2 sent A-7}]
}
