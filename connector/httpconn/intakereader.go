package httpconn

import (
	"context"
	"fmt"

	"github.com/millrace-go/millrace/connector"
)

// intakeReader hands out the requests of an Intake. The desk's lock guards taken.
type intakeReader[T any] struct {
	name  string
	desk  *desk[T]
	taken map[int64]*exchange[T]
}

// Read returns what has arrived, without waiting for more than the first message. It
// never gives io.EOF.
func (r *intakeReader[T]) Read(ctx context.Context, most int) ([]connector.Message[T], error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("httpconn: intake %s: read: %w", r.name, err)
	}
	for {
		if batch := r.desk.take(r.name, most, r.taken); len(batch) > 0 {
			return messages(batch), nil
		}
		select {
		case <-r.desk.wake:
		case <-ctx.Done():
			return nil, fmt.Errorf("httpconn: intake %s: read: %w", r.name, context.Cause(ctx))
		}
	}
}

func messages[T any](batch []*exchange[T]) []connector.Message[T] {
	list := make([]connector.Message[T], len(batch))
	metas := make([]connector.Meta, len(batch))
	for i, e := range batch {
		metas[i] = connector.MakeMeta(e.fields)
		list[i] = connector.Message[T]{Meta: &metas[i], Value: e.value}
	}

	return list
}

// Settle answers the requests of the messages. It never fails.
func (r *intakeReader[T]) Settle(_ context.Context, settlements []connector.Settlement) error {
	r.desk.settle(settlements, r.taken)

	return nil
}

// Close answers the requests that have no outcome with 503.
func (r *intakeReader[T]) Close() error {
	r.desk.close(r.taken)

	return nil
}
