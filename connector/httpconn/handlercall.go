package httpconn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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

	// ended gives the reply or the refusal to the client that waits.
	ended chan ended
	// left is closed when the client was told that it is too late; told is what.
	left chan struct{}
	told int
}

type ended struct {
	reply []byte
	no    *refusal
}

// call answers with the caller, at the deadline at the latest. Each call holds a place
// until it ends, with its client or without, so those left alone are bounded too.
func (h *Handler[Req, Resp]) call(r *http.Request, id string, deadline time.Time, req Req) ([]byte, *refusal) {
	select {
	case h.places <- struct{}{}:
	default:
		return nil, retryLater("not processed: send it again", defaultRetryAfter, fmt.Errorf("%w: %d", errBusy, cap(h.places)))
	}
	ctx, cancel := context.WithDeadline(r.Context(), deadline)
	defer cancel()
	c := running[Req, Resp]{handler: h, request: r, id: id, ended: make(chan ended), left: make(chan struct{})}
	go c.run(ctx, req)
	select {
	case end := <-c.ended:
		return end.reply, end.no
	case <-ctx.Done():
		no := failed(ctx, r, fmt.Errorf("httpconn: the call has not ended and goes on without its client (Timeout %s): %w",
			h.config.Timeout, ctx.Err()))
		c.told = no.status
		close(c.left)

		return nil, no
	}
}

func (c *running[Req, Resp]) run(ctx context.Context, req Req) {
	end := ended{no: internal(errGoexit)}
	defer func() {
		if cause := recover(); cause != nil {
			end = ended{no: panicked(cause)}
		}
		<-c.handler.places
		select {
		case c.ended <- end:
		case <-c.left:
			c.late(end.no)
		}
	}()
	end = c.handler.ask(ctx, c.request, req)
}

func (h *Handler[Req, Resp]) ask(ctx context.Context, r *http.Request, req Req) ended {
	resp, err := h.caller.Call(ctx, req)
	if err != nil {
		return ended{no: failed(ctx, r, err)}
	}
	reply, err := h.encode.Append(nil, resp)
	if err != nil {
		return ended{no: internal(fmt.Errorf("httpconn: encode the reply: %w", err))}
	}

	return ended{reply: reply}
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
