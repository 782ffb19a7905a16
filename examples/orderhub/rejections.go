package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
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
// rather than reject every order; also where one branch rejects an order and another one
// cannot write it.
func reject[T any](
	rows connector.Sink[rejectionRow], partner, kind string, stages ...string,
) connector.Sink[connector.DeadLetter[T]] {
	values := transform.JSON[T]()

	return connector.SinkFunc[connector.DeadLetter[T]](
		func(ctx context.Context, letters []connector.Message[connector.DeadLetter[T]]) error {
			out := make([]connector.Message[rejectionRow], 0, len(letters))
			for _, l := range letters {
				for _, stage := range failedIn(l.Value.Err) {
					if !slices.Contains(stages, stage) {
						return fmt.Errorf("stage %s is not one that rejects data", stage)
					}
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

// failedIn names the stages in which a message failed: one, or one of each part.
func failedIn(err error) []string {
	if several, ok := errors.AsType[*flow.PartsError](err); ok {
		var stages []string
		for _, part := range several.Parts {
			stages = append(stages, failedIn(part)...)
		}

		return stages
	}
	if at, ok := errors.AsType[*flow.StageError](err); ok {
		return []string{at.Stage}
	}

	return []string{"unknown"}
}
