package flowtest

import (
	"context"
	"fmt"
)

// SimCaller is a caller of a [World].
type SimCaller[Req, Resp any] struct {
	label string
	life  *life
	reply func(Req) (Resp, error)
}

// Caller returns a caller that answers with reply, once for each call that happens.
func (w *World) Caller[Req, Resp any](name string, reply func(Req) (Resp, error)) *SimCaller[Req, Resp] {
	return &SimCaller[Req, Resp]{label: name, life: w.life, reply: reply}
}

// Call implements connector.Caller.
func (c *SimCaller[Req, Resp]) Call(ctx context.Context, req Req) (Resp, error) {
	var resp Resp
	err := c.life.do(effect{
		ctx: ctx, name: c.label + ".Call", allow: fallible,
		what: func() string { return fmt.Sprintf("%+v", req) },
	}, func(*effect) (err error) {
		resp, err = c.reply(req)

		return err
	})
	if err != nil {
		var none Resp

		return none, err
	}

	return resp, nil
}
