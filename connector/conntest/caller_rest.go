package conntest

import "testing"

// rest holds the cases of a caller over many calls.
func (c callerCases[Req, Resp]) rest() {
	c.run("edge/requests", unless(len(c.h.Edges) > 0, "the harness has no Edges"), c.edges)
	c.run("fail/works afterwards", "", c.goesOn)
	c.run("call/no goroutine is left", "", func(t *testing.T) {
		caller := c.h.New(t)
		c.steady(t, func() {
			c.call(t, caller, 0)
			_, _ = caller.Call(ended(t), c.h.Request(1))
		})
	})
}

func (c callerCases[Req, Resp]) edges(t *testing.T) {
	caller := c.h.New(t)
	for i, e := range c.h.Edges {
		resp, err := caller.Call(c.context(t), e.Request)
		if err != nil {
			t.Errorf("Call with edge %d: %v", i, err)
		} else if !same(c.h.Equal, resp, e.Reply) {
			t.Errorf("Call with edge %d: got %.200v, want %.200v", i, resp, e.Reply)
		}
	}
}

// goesOn calls in between whatever can go wrong.
func (c callerCases[Req, Resp]) goesOn(t *testing.T) {
	caller := c.h.New(t)
	_, _ = caller.Call(ended(t), c.h.Request(1))
	c.call(t, caller, 0)
	for _, failure := range c.h.Failures {
		if _, err := caller.Call(c.context(t), failure.Request); err == nil {
			t.Errorf("%s: no error", failure.Name)
		}
		c.call(t, caller, 1)
	}
	if c.h.Slow != nil {
		_, _ = caller.Call(c.ending(t), c.h.Slow())
		c.call(t, caller, 2)
	}
}
