package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/transform"
)

// rejectionRow is a line or an order that cannot be processed, with its cause. It is
// keyed by partner, kind and the place in the file, so that it is kept once.
type rejectionRow struct {
	Partner string
	// Kind is "line" or "order".
	Kind  string
	ID    string
	Stage string
	Cause string
	// Value is the line or the order as JSON.
	Value string
}

// reject is a dead-letter sink for what is wrong with the data: what fails in one of the
// named stages. It refuses every other failure, so that a full disk stops the pipeline
// rather than reject every order.
func reject[T any](
	rows connector.Sink[rejectionRow], partner, kind string, stages ...string,
) connector.Sink[connector.DeadLetter[T]] {
	values := transform.JSON[T]()

	return connector.SinkFunc[connector.DeadLetter[T]](
		func(ctx context.Context, letters []connector.Message[connector.DeadLetter[T]]) error {
			out := make([]connector.Message[rejectionRow], 0, len(letters))
			for _, l := range letters {
				if !slices.Contains(stages, l.Value.Stage) {
					return fmt.Errorf("stage %s is not one that rejects data", l.Value.Stage)
				}
				text, err := values.Append(nil, l.Value.Value)
				if err != nil {
					return fmt.Errorf("rejected %s %s: %w", kind, l.Value.ID, err)
				}
				out = append(out, connector.Derive(l, rejectionRow{
					Partner: partner, Kind: kind, ID: l.Value.ID, Stage: l.Value.Stage, Cause: l.Value.Cause, Value: string(text),
				}))
			}

			return rows.Write(ctx, out)
		})
}
