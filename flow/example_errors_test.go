package flow_test

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// printLetter prints the dead letters of orders.
func printLetter(show func(connector.DeadLetter[order])) connector.Sink[connector.DeadLetter[order]] {
	return connector.SinkFunc[connector.DeadLetter[order]](
		func(_ context.Context, letters []connector.Message[connector.DeadLetter[order]]) error {
			for _, m := range letters {
				show(m.Value)
			}

			return nil
		})
}

func ExampleOverflow() {
	// The screen shows the latest; what it cannot show in time is counted as dropped.
	ticks := memory.NewSource(1, 2, 3, 4, 5)
	screen, ready := memory.NewSink[int](), make(chan struct{})
	show := func(_ context.Context, n int) (int, error) {
		<-ready

		return n, nil
	}
	read := 0
	pipeline := flow.New("screen", flow.From(ticks).
		Observe(func(connector.Message[int]) {
			if read++; read == 5 {
				close(ready)
			}
		}).
		Buffer(2, flow.DropNewest).Map(show).To(screen))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	ended := pipeline.Ledger().Source
	fmt.Println(ended.Delivered+ended.Dropped, "of", ended.In, "are accounted for")
	// Output: 5 of 5 are accounted for
}

func ExampleStageError() {
	check := func(o order) error {
		if o.Cents < 5000 {
			return errors.New("too small to ship")
		}

		return nil
	}
	rejected := printLetter(func(letter connector.DeadLetter[order]) {
		if at, ok := errors.AsType[*flow.StageError](letter.Err); ok {
			fmt.Printf("flow %s, stage %s, message %s: %v\n", at.Flow, at.Stage, at.Message, at.Err)
		}
	})
	pipeline := flow.New("shipping", flow.From(threeOrders()).DeadLetter(rejected).
		Validate(check).As("size").To(memory.NewSink[order]()))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// flow shipping, stage size, message memory:1: validate: too small to ship
	// flow shipping, stage size, message memory:2: validate: too small to ship
}

func ExamplePanicError() {
	crash := func(_ context.Context, o order) (order, error) {
		var lines []string

		return o, errors.New(lines[0])
	}
	rejected := printLetter(func(letter connector.DeadLetter[order]) {
		if p, ok := errors.AsType[*flow.PanicError](letter.Err); ok {
			fmt.Println(letter.Value.ID, p, len(p.Stack) > 0)
		}
	})
	pipeline := flow.New("crash", flow.From(memory.NewSource(order{ID: "A1"})).DeadLetter(rejected).
		Map(crash).To(memory.NewSink[order]()))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output: A1 panic: runtime error: index out of range [0] with length 0 true
}

func ExamplePartsError() {
	lines := func(context.Context, order) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			_ = yield("pear", nil) && yield("plum", nil) && yield("fig", nil)
		}
	}
	inStock := func(line string) error {
		if line != "pear" {
			return errors.New(line + " is out of stock")
		}

		return nil
	}
	rejected := printLetter(func(letter connector.DeadLetter[order]) {
		if parts, ok := errors.AsType[*flow.PartsError](letter.Err); ok {
			fmt.Println(letter.Value.ID, "has", len(parts.Parts), "lines that cannot be sent")
		}
	})
	pipeline := flow.New("lines", flow.From(memory.NewSource(order{ID: "A1"})).DeadLetter(rejected).
		Split(lines).Validate(inStock).To(memory.NewSink[string]()))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output: A1 has 2 lines that cannot be sent
}
