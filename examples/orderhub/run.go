package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/retry"
)

// options is what a run is told.
type options struct {
	// data holds the partners' files, state everything else.
	data, state string
	logger      *zap.Logger
	// watch, where set, is shown the status again and again while the pipelines run.
	watch func(status)
	every time.Duration
}

// restart is how a pipeline that fails is started again: what is wrong for good ends the
// program, where a service would go on trying.
var restart = retry.Policy{Attempts: 4, Initial: 200 * time.Millisecond}

// run does the whole job.
func run(ctx context.Context, o options) (result, error) {
	start := time.Now()
	h, err := openHub(ctx, o.data, o.state, o.logger)
	defer func() {
		if err := h.Close(); err != nil {
			o.logger.Error("closing failed", zap.Error(err))
		}
	}()
	if err != nil {
		return result{}, err
	}
	stop := h.watch(o)
	err = h.runPipelines(ctx)
	stop()
	if err == nil {
		err = h.checkQueue(ctx)
	}
	if err != nil {
		return result{status: h.status()}, err
	}
	r, err := h.result(ctx)
	r.took = time.Since(start)

	return r, err
}

// runPipelines runs the intakes and, beside them, the flow behind the queue, which ends
// after them.
func (h *hub) runPipelines(ctx context.Context) error {
	var intakes, finish, writing error
	var all sync.WaitGroup
	all.Go(func() {
		intakes = h.intakes.Run(ctx)
		finish = h.finishQueue(ctx)
	})
	all.Go(func() { writing = h.writing.Run(ctx) })
	all.Wait()
	err := errors.Join(intakes, finish, writing)
	if ctx.Err() != nil {
		err = errors.Join(errors.New("stopped before the end: start again with the same -state to go on"), err)
	}

	return err
}

// checkQueue makes sure that no invoice stayed behind.
func (h *hub) checkQueue(ctx context.Context) error {
	depth, err := h.queue.Depth(ctx)
	if err != nil {
		return err
	}
	if depth.Ready+depth.Delayed+depth.Leased+depth.Dead > 0 {
		return fmt.Errorf("invoices stayed in the queue: %+v", depth)
	}

	return nil
}

// watch shows the status until the function that it returns is called.
func (h *hub) watch(o options) (stop func()) {
	if o.watch == nil {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(o.every)
		defer ticker.Stop()
		for {
			o.watch(h.status())
			select {
			case <-ticker.C:
			case <-end:
				return
			}
		}
	}()

	return func() { close(end); <-ended }
}

// fetchView asks the program's own server, as any client would.
func (h *hub) fetchView(ctx context.Context, customer string) (View, error) {
	client, err := httpconn.NewCaller[string, View](httpconn.CallerConfig[string]{
		Method: "GET", URL: h.address + "/customers", Path: func(id string) []string { return []string{id} },
	})
	if err != nil {
		return View{}, err
	}
	defer func() { _ = client.Close() }() // it closes idle connections

	return client.Call(ctx, customer)
}
