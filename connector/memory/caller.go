package memory

import (
	"context"
	"slices"
	"sync"

	"github.com/millrace-go/millrace/connector"
)

// Caller answers requests with a function and records them. It declares
// Capabilities{Name: "memory"}.
type Caller[Req, Resp any] struct {
	reply   func(context.Context, Req) (Resp, error)
	calling script

	mu       sync.Mutex
	requests []Req
}

// NewCaller returns a caller that answers with reply, which must be safe for concurrent
// use. A nil reply answers every request with the zero Resp.
func NewCaller[Req, Resp any](reply func(context.Context, Req) (Resp, error)) *Caller[Req, Resp] {
	if reply == nil {
		reply = func(context.Context, Req) (resp Resp, err error) { return resp, err }
	}

	return &Caller[Req, Resp]{reply: reply}
}

// Describe implements connector.Describer.
func (c *Caller[Req, Resp]) Describe() connector.Capabilities {
	return connector.Capabilities{Name: "memory"}
}

// Script says what the coming Calls do, behind what was scripted before. A Call that
// fails by Fail does not reach the function; one that fails by PassThenFail does.
func (c *Caller[Req, Resp]) Script(steps ...Step) { c.calling.add(steps) }

// Call implements connector.Caller.
func (c *Caller[Req, Resp]) Call(ctx context.Context, req Req) (Resp, error) {
	c.record(req)
	var none Resp
	step, err := c.calling.begin(ctx)
	if err != nil {
		return none, err
	}
	resp, err := c.reply(ctx, req)
	if err = step.finish(err); err != nil {
		return none, err
	}

	return resp, nil
}

// Requests returns every request in the order of arrival, whatever came of it.
func (c *Caller[Req, Resp]) Requests() []Req {
	c.mu.Lock()
	defer c.mu.Unlock()

	return slices.Clone(c.requests)
}

func (c *Caller[Req, Resp]) record(req Req) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, req)
}
