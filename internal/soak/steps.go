package main

import (
	"context"
	"sync"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

// entry is one step of a sequence. Its numbers count up from 1.
type entry struct {
	Key    int `json:"key"`
	Number int `json:"number"`
}

// sequences is how many keys the entries have.
const sequences = 16

func (e entry) index() int { return (e.Number-1)*sequences + e.Key }

// steps is a flow that brings numbered messages back into their order, slows them down and
// lets them wait in a buffer.
func (l *life) steps() *flow.Pipeline {
	check := &ordered{record: l.round.steps}
	source := connector.SourceFunc[entry](func(ctx context.Context) (connector.Reader[entry], error) {
		check.begin()

		return l.stepFile.Open(ctx)
	})
	faulty := newFaultySink(check, l.dice, "step sink", func(e entry) { check.excuse(e.index()) })
	end := flow.From(source).
		KeyBy(func(e entry) int { return e.Key }).
		Resequence(func(e entry) int64 { return int64(e.Number) }, flow.Sequence{First: 1}).As("order").
		Throttle(flow.Rate{Limit: 20_000, Per: time.Second, Burst: 500}).As("throttle").
		Buffer(128, flow.Block).
		Batch(64, 10*time.Millisecond).To(flow.Into(faulty).Timeout(patience).Retry(again)).As("steps")

	return flow.New("steps", end).With(flow.Config{Drain: time.Minute})
}

// ordered is a sink that wants the numbers of each key to grow within a run. The file is
// read again by each run, so what has had its effect may have it again.
type ordered struct {
	*record

	mu   sync.Mutex
	last [sequences]int
	seen []bool
}

// begin forgets what an earlier run brought.
func (o *ordered) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.last[:])
	o.seen = make([]bool, len(o.effects))
	o.excuseRepeats()
}

// Write implements connector.Sink.
func (o *ordered) Write(_ context.Context, messages []connector.Message[entry]) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range messages {
		e := m.Value
		if e.Number <= o.last[e.Key] && !o.seen[e.index()] {
			o.problem("key %d: number %d came after %d", e.Key, e.Number, o.last[e.Key])
		}
		o.last[e.Key] = max(o.last[e.Key], e.Number)
		o.seen[e.index()] = true
		o.effect(e.index())
	}

	return nil
}
