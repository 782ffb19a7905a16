package httpstream_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpstream"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

type Order struct {
	ID string `json:"id"`
}

// The results of a flow are the answer to a request.
func ExampleNewRecords() {
	handler, err := httpstream.NewRecords(func(r *http.Request) iter.Seq2[Order, error] {
		source := memory.NewSource(Order{"A-7"}, Order{"B-1"}, Order{"A-8"})

		return flow.From(source).Filter(func(o Order) bool { return o.ID[0] == 'A' }).All(r.Context())
	}, httpstream.RecordsConfig[Order]{})
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	response, err := http.Get(server.URL)
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	fmt.Printf("%s%v", body, err)
	// Output:
	// {"id":"A-7"}
	// {"id":"A-8"}
	// <nil>
}

// Everyone who listens gets the messages of a sink.
func ExampleNewEvents() {
	events, err := httpstream.NewEvents(httpstream.EventsConfig[Order]{Type: func(Order) string { return "paid" }})
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(events)
	defer server.Close()
	defer events.Close()
	response, err := http.Get(server.URL)
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() && lines.Text() != "" { // the stream begins with the time to wait before coming back
		fmt.Println(lines.Text())
	}
	message := connector.NewMessage(Order{ID: "A-7"}, connector.Fields{})
	if err := events.Write(context.Background(), []connector.Message[Order]{message}); err != nil {
		panic(err)
	}
	for range 2 {
		lines.Scan()
		fmt.Println(lines.Text())
	}
	// Output:
	// retry: 3000
	// event: paid
	// data: {"id":"A-7"}
}
