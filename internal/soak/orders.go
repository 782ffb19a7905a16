package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
	"github.com/millrace-go/millrace/transform"
)

// order is a row of the input and of the output.
type order struct {
	ID       int `csv:"id"       json:"id"`
	Customer int `csv:"customer" json:"customer"`
	Amount   int `csv:"amount"   json:"amount"`
	Price    int `csv:"price"    json:"price"`
}

// The fate of an order follows from its number.
func malformed(id int) bool { return id%97 == 13 }
func unwanted(id int) bool  { return id%89 == 7 }
func poisonous(id int) bool { return id%211 == 5 }

func fateOfOrder(id int) expected {
	switch {
	case malformed(id):
		return letter
	case unwanted(id):
		return never
	case poisonous(id):
		return letter
	default:
		return once
	}
}

// again is what every delivery and call is tried again by: quickly, and also where the
// effect may have happened, because the checks count with repeats.
var again = retry.Policy{Attempts: 4, Initial: time.Millisecond, Max: 10 * time.Millisecond, Idempotent: true}

// patience is how long a sink or a service may take.
const patience = 200 * time.Millisecond

// orders is the flow from the files over a durable queue to the part files, and to the
// queue of the totals.
func (l *life) orders() *flow.Pipeline {
	r := l.round
	priced := flow.From(l.rows).
		DeadLetter(letters(l.dice, r.rejected)).As("rejects").
		Map(parse).As("parse").
		Validate(positive).
		Filter(func(o order) bool { return !unwanted(o.ID) }).
		MapMessage(identify).
		Once(l.claims, func(o order) string { return strconv.Itoa(o.ID) }, 0).As("once").
		Via(l.hop).As("hop").
		DeadLetter(letters(l.dice, r.poisoned)).As("poisoned").
		Parallel(4, func(f flow.Flow[order]) flow.Flow[order] {
			step := flow.Func("inspect", faultyStep(l.dice, "caller", inspect))

			return f.Do(step.Timeout(patience).Retry(again))
		}).
		Batch(64, 20*time.Millisecond).MapEach(r.soak.prices.Call).As("price")
	written := newFaultySink(l.parts, l.dice, "file sink", r.orders.excuseOrder)

	return flow.New("orders",
		priced.Batch(128, 20*time.Millisecond).To(flow.Into(written).Timeout(patience).Retry(again)).As("files"),
		priced.Batch(128, 20*time.Millisecond).To(flow.Into[order](l.forTotals).Retry(again)).As("for-totals"),
	).With(flow.Config{Drain: time.Minute})
}

func ignore[T any](T) {}

func (r *record) excuseOrder(o order) { r.excuse(o.ID) }

func parse(_ context.Context, row transform.Row[order]) (order, error) { return row.Value, row.Err }

func positive(o order) error {
	if o.Amount <= 0 {
		return errors.New("the amount is not positive")
	}

	return nil
}

// identify gives the message of an order that comes twice in the files the same ID.
func identify(_ context.Context, m connector.Message[order]) (connector.Message[order], error) {
	return connector.Message[order]{Meta: m.WithID(fmt.Sprintf("order-%d", m.Value.ID)), Value: m.Value}, nil
}

var errPoison = connector.Permanent(errors.New("nobody can process this order"))

func inspect(o order) (order, error) {
	if poisonous(o.ID) {
		return o, errPoison
	}

	return o, nil
}
