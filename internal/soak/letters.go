package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

// letters is a sink of dead letters, with faults and a policy.
func letters[T any](
	dice *dice, write func(context.Context, []connector.Message[connector.DeadLetter[T]]) error,
) connector.Sink[connector.DeadLetter[T]] {
	sink := connector.SinkFunc[connector.DeadLetter[T]](write)

	return flow.Into(newFaultySink(sink, dice, "dead-letter sink", ignore)).Timeout(patience).Retry(again)
}

// owed tells whether a message may have become a letter for its error: a fault of the
// soak, as it looks from where it was met, or a value that nobody can process.
func owed(err error) bool {
	if errors.Is(err, errFault) || errors.Is(err, errPoison) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	_, row := errors.AsType[*transform.RowError](err)
	_, panicked := errors.AsType[*flow.PanicError](err)
	_, answered := errors.AsType[*httpconn.StatusError](err)

	return row || panicked || answered
}

// lettersOf notes the letters of orders.
func lettersOf[T any](r *record, letters []connector.Message[connector.DeadLetter[T]], id func(T) (int, error)) error {
	for _, m := range letters {
		i, err := id(m.Value.Value)
		if err != nil {
			return connector.Permanent(err)
		}
		r.letter(i)
		if !owed(m.Value.Err) {
			r.problem("message %d has a letter for no fault of the soak: %s: %v", i, m.Value.Stage, m.Value.Err)
		}
	}

	return nil
}

// rejected takes the letters of the intake. An order that did not pass for a fault has its
// letter here; the files are read again after a restart, so it may pass later.
func (r *round) rejected(_ context.Context, letters []connector.Message[connector.DeadLetter[transform.Row[order]]]) error {
	return lettersOf(r.orders, letters, func(row transform.Row[order]) (int, error) {
		number, _, _ := strings.Cut(row.Raw, ",")
		id, err := strconv.Atoi(number)
		if err != nil {
			return 0, fmt.Errorf("a letter with the row %q: %w", row.Raw, err)
		}

		return id, nil
	})
}

// poisoned takes the letters behind the queue. What failed in one of the two branches may
// have had its effect in the other.
func (r *round) poisoned(_ context.Context, letters []connector.Message[connector.DeadLetter[order]]) error {
	return lettersOf(r.orders, letters, func(o order) (int, error) { return o.ID, nil })
}
