package main

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"

	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/flow"
)

// connections ask at the same time, one request after the other on each.
const connections = 32

// ask and reply are what the services of the HTTP rows take and give.
type ask struct {
	Customer string   `json:"customer"`
	Items    []string `json:"items"`
	Express  bool     `json:"express"`
}

type reply struct {
	Customer string   `json:"customer"`
	Lines    []quoted `json:"lines"`
	Total    int      `json:"total"`
}

type quoted struct {
	Item  string `json:"item"`
	Price int    `json:"price"`
	Note  string `json:"note"`
}

// quote answers with about 2 KB, which is worth compressing.
func quote(_ context.Context, a ask) (reply, error) {
	r := reply{Customer: a.Customer, Lines: make([]quoted, len(a.Items))}
	for i, item := range a.Items {
		r.Lines[i] = quoted{Item: item, Price: 100 + i, Note: "in stock, ready to be shipped on the next working day"}
		r.Total += r.Lines[i].Price
	}

	return r, nil
}

func webs() family {
	rowOf := func(name string, compressed bool) row {
		ours, byHand := served("millrace", compressed, handlerOf), served("net/http", compressed, plainHandler)

		return row{
			name: name, unit: "request", ours: ours, baseline: byHand, step: connections, longer: 3, again: 2,
			floors: []floor{ofTheRate(0.95, ours.name, byHand.name), {
				text: "p99 at most 1.15 times net/http", limit: 1.15,
				of: func(r result) spread { return r.ratio(ours.name, byHand.name, figureOf(p99)) },
			}},
		}
	}

	return family{
		name: "http", title: "Request and reply over HTTP",
		intro: "32 connections on the loopback, each with one request at a time: JSON of 0.4 KB in, 2 KB out. Both servers have the " +
			"limits of httpconn.NewServer. net/http by hand: a handler that bounds and decodes the body and encodes the reply with " +
			"encoding/json/v2. With gzip, the same handler around both compresses the replies. The client is the same, in the " +
			"same process, and reads no more of HTTP than it must.",
		rows: []row{rowOf("without gzip", false), rowOf("with gzip", true)},
	}
}

const p99 = "p99 of a request, µs"

func handlerOf() (http.Handler, error) {
	return httpconn.NewHandler(flow.Func("quote", quote), httpconn.HandlerConfig[ask]{})
}

// plainHandler does by hand what one needs: a bound, a decoder, an encoder.
func plainHandler() (http.Handler, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			http.Error(w, "want POST", http.StatusMethodNotAllowed)

			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)

			return
		}
		var a ask
		if err := json.Unmarshal(body, &a); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)

			return
		}
		answer, err := quote(r.Context(), a)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)

			return
		}
		data, err := json.Marshal(answer)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)

			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		_, _ = w.Write(data)
	}), nil
}

// served asks a server over connections that are open before the time starts.
func served(name string, compressed bool, handler func() (http.Handler, error)) contestant {
	return contestant{name, func(d *desk, n int) (job, error) {
		h, err := handler()
		if err != nil {
			return nil, err
		}
		if compressed {
			h = gzipped(h)
		}
		address, err := serve(d, h)
		if err != nil {
			return nil, err
		}
		request, err := requestFor(address, compressed)
		if err != nil {
			return nil, err
		}
		clients := make([]*client, connections)
		for i := range clients {
			if clients[i], err = dial(d, address, request); err != nil {
				return nil, err
			}
			if err := clients[i].answerOne(); err != nil {
				return nil, err
			}
		}

		return func() (int, error) { return askAll(d, clients, n/connections) }, nil
	}}
}

func serve(d *desk, h http.Handler) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server, ended := httpconn.NewServer("", h), make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	d.after(func() error {
		err := server.Close()
		if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}

		return err
	})

	return listener.Addr().String(), nil
}

// requestFor is the text of the request that every client sends.
func requestFor(address string, compressed bool) ([]byte, error) {
	a := ask{Customer: "C-4711"}
	for i := range 20 {
		a.Items = append(a.Items, fmt.Sprintf("SKU-%05d-GREEN", i))
	}
	body, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	head := fmt.Sprintf("POST /quote HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAccept: application/json\r\n", address)
	if compressed {
		head += "Accept-Encoding: gzip\r\n"
	}

	return fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n%s", head, len(body), body), nil
}
