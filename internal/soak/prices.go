package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/flow"
)

// price is what the price service answers.
func price(id int) int { return 3*id + 1 }

// quote is the reply for one order, put together from two services.
type quote struct{ Net, Tax int }

// server serves HTTP on the loopback interface.
type server struct {
	address string
	http    *http.Server
	ended   chan error
}

func serve(mux *http.ServeMux) (*server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{"http://" + listener.Addr().String(), &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}, make(chan error, 1)}
	go func() { s.ended <- s.http.Serve(listener) }()

	return s, nil
}

// Close ends the server, and the requests under way.
func (s *server) Close() error {
	err := s.http.Close()
	if ended := <-s.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}

	return err
}

// pricing answers for a list of orders by asking two steps at once for each.
func pricing(dice *dice) (http.Handler, error) {
	ask := func(name string, answer func(id int) int) flow.Step[int, int] {
		fn := faultyStep(dice, "price service", func(id int) (int, error) { return answer(id), nil })

		return flow.Func(name, fn).Timeout(patience).Retry(again)
	}
	gather := flow.NewGather[int, quote]("quote").
		Need(ask("net", func(id int) int { return 2 * id }), func(q *quote, n int) { q.Net = n }).
		Need(ask("tax", func(id int) int { return id + 1 }), func(q *quote, n int) { q.Tax = n }).
		Step()
	list := flow.Func("prices", func(ctx context.Context, list []order) ([]order, error) {
		q, err := gather.Call(ctx, list[0].ID)
		if err != nil {
			return nil, err
		}
		list[0].Price = q.Net + q.Tax
		for i := 1; i < len(list); i++ {
			list[i].Price = price(list[i].ID)
		}

		return list, nil
	})

	return httpconn.NewHandler[[]order, []order](list, httpconn.HandlerConfig[[]order]{})
}
