package httpconn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

var (
	errBusy   = errors.New("httpconn: too many calls run")
	errGoexit = errors.New("httpconn: the call ended its goroutine with runtime.Goexit")
)

// running is one call on a goroutine of its own, so that its client need not wait for a
// call that ignores its context.
type running[Req, Resp any] struct {
	handler *Handler[Req, Resp]
	request *http.Request
	id      string

	// over is set by who comes first: the call that ends, or the client that leaves.
	over atomic.Bool
	// ended tells the client that waits that resp and no are there.
	ended chan struct{}
	resp  Resp
	no    *refusal
	// told is the status that the client got that left.
	told int
}

// call answers with the caller, at the deadline at the latest. Each call holds a place
// until it ends, with its client or without, so those left alone are bounded too.
func (h *Handler[Req, Resp]) call(r *http.Request, id string, deadline time.Time, req Req) (resp Resp, no *refusal) {
	select {
	case h.places <- struct{}{}:
	default:
		return resp, retryLater("not processed: send it again", defaultRetryAfter, fmt.Errorf("%w: %d", errBusy, cap(h.places)))
	}
	ctx, cancel := context.WithDeadline(r.Context(), deadline)
	defer cancel()
	c := &running[Req, Resp]{handler: h, request: r, id: id, ended: make(chan struct{}, 1)}
	go c.run(ctx, req)
	select {
	case <-c.ended:
		return c.resp, c.no
	case <-ctx.Done():
	}
	no = failed(ctx, r, fmt.Errorf("httpconn: the call has not ended and goes on without its client (Timeout %s): %w",
		h.config.Timeout, ctx.Err()))
	c.told = no.status
	if c.over.CompareAndSwap(false, true) {
		return resp, no
	}
	<-c.ended // at the same moment

	return c.resp, c.no
}

func (c *running[Req, Resp]) run(ctx context.Context, req Req) {
	returned := false
	defer func() {
		if cause := recover(); cause != nil {
			c.no = panicked(cause)
		} else if !returned {
			c.no = internal(errGoexit)
		}
		<-c.handler.places
		if c.over.CompareAndSwap(false, true) {
			c.ended <- struct{}{}
		} else {
			c.late(c.no)
		}
	}()
	resp, err := c.handler.caller.Call(ctx, req)
	if c.resp = resp; err != nil {
		c.no = failed(ctx, c.request, err)
	}
	returned = true
}

// late reports how a call failed whose client has its answer already.
func (c *running[Req, Resp]) late(no *refusal) {
	report := c.handler.config.OnError
	if no == nil || report == nil {
		return
	}
	defer func() {
		_ = recover() // on this goroutine a hook that panics would end the process
	}()
	report(context.WithoutCancel(c.request.Context()), Failure{
		RequestID: c.id, Method: c.request.Method, Path: c.request.URL.Path,
		Status: c.told, Err: no.err, Stack: no.stack, Late: true,
	})
}
