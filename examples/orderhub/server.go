package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/flow"
)

// server is an HTTP server on a port of its own of this machine.
type server struct {
	address string
	http    *http.Server
	ended   chan error
}

func serve(handler http.Handler) (*server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	s := &server{
		address: "http://" + listener.Addr().String(),
		http:    httpconn.NewServer("", handler),
		ended:   make(chan error, 1),
	}
	go func() { s.ended <- s.http.Serve(listener) }()

	return s, nil
}

// Close answers what has been asked, within a second, and takes no more.
func (s *server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) { // somebody holds a connection and asks nothing
		err = s.http.Close()
	}
	if served := <-s.ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}

	return err
}

// views serves the single view of a customer, the health and the ledgers.
func views(view flow.Step[string, View], status func() status, logger *zap.Logger) (http.Handler, error) {
	customers, err := httpconn.NewHandler(view, httpconn.HandlerConfig[string]{
		Method: http.MethodGet,
		Decode: func(r *http.Request) (string, error) { return r.PathValue("id"), nil },
		OnError: func(_ context.Context, f httpconn.Failure) {
			logger.Warn("view not served", zap.String("path", f.Path), zap.Int("status", f.Status), zap.Error(f.Err))
		},
	})
	if err != nil {
		return nil, err
	}
	now := connector.CallerFunc[struct{}, statusView](func(context.Context, struct{}) (statusView, error) {
		return status().view(), nil
	})
	state, err := httpconn.NewHandler(now, httpconn.HandlerConfig[struct{}]{
		Method: http.MethodGet,
		Decode: func(*http.Request) (struct{}, error) { return struct{}{}, nil },
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/customers/{id}", customers)
	mux.Handle("/status", state)

	return mux, nil
}
