package sqlconn

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"math"
	"reflect"
	"time"

	"github.com/millrace-go/millrace/connector"
)

const (
	// mostChunk is the most messages of one Read, whatever max allows.
	mostChunk = 256
	// fillTime is how long Read goes on to fill a chunk once it has a message, so that
	// the rows of a slow query do not wait for each other.
	fillTime = 50 * time.Millisecond
)

// reader streams the rows of one run of a query.
type reader[T any] struct {
	name    string
	rows    *sql.Rows
	cancel  context.CancelFunc
	order   []field
	targets []any
	key     *field
	offset  int64
	started bool
	// end is the error that every further Read returns.
	end error
}

// Read scans the next rows. When ctx ends while the database is being waited for, the
// query is given up: further Reads fail.
func (r *reader[T]) Read(ctx context.Context, most int) ([]connector.Message[T], error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("sqlconn: query %s: read: %w", r.name, err)
	}
	if r.end != nil {
		return nil, r.end
	}
	stop := context.AfterFunc(ctx, r.cancel)
	messages := r.fill(max(1, min(most, mostChunk)))
	if !stop() {
		r.end = connector.Transient(fmt.Errorf("sqlconn: query %s: given up when a Read was cancelled: open it again", r.name))

		return messages, fmt.Errorf("sqlconn: query %s: read: %w", r.name, context.Cause(ctx))
	}
	if len(messages) > 0 {
		return messages, nil
	}

	return nil, r.end
}

// fill returns up to most messages, and sets r.end when there is no further one.
func (r *reader[T]) fill(most int) []connector.Message[T] {
	messages := make([]connector.Message[T], most)
	metas := make([]connector.Meta, most)
	begun := time.Now()
	n := 0
	for n < most && (n == 0 || time.Since(begun) < fillTime) {
		if !r.rows.Next() {
			r.end = r.finish()

			break
		}
		row := reflect.ValueOf(&messages[n].Value).Elem()
		if err := r.scan(row); err != nil {
			r.end = err

			break
		}
		metas[n] = connector.MakeMeta(connector.Fields{
			Position: connector.Position{Partition: r.name, Offset: r.offset},
		})
		messages[n].Meta = &metas[n]
		n++
	}

	return messages[:n]
}

func (r *reader[T]) finish() error {
	if err := r.rows.Err(); err != nil {
		return classify(fmt.Errorf("sqlconn: query %s: after %s: %w", r.name, r.place(), err))
	}

	return io.EOF
}

// scan reads one row into the fields and moves the offset on.
func (r *reader[T]) scan(row reflect.Value) error {
	for i, f := range r.order {
		r.targets[i] = row.FieldByIndex(f.Index).Addr().Interface()
	}
	if err := r.rows.Scan(r.targets...); err != nil {
		return connector.Permanent(fmt.Errorf("sqlconn: query %s: row after %s: %w", r.name, r.place(), err))
	}

	return r.advance(row)
}

// place is where the reading stands, for errors.
func (r *reader[T]) place() string {
	switch {
	case !r.started:
		return "the start"
	case r.key != nil:
		return fmt.Sprintf("%s %d", r.key.Column, r.offset)
	default:
		return fmt.Sprintf("row %d", r.offset)
	}
}

func (r *reader[T]) advance(row reflect.Value) error {
	next := r.offset + 1
	if r.key != nil {
		var err error
		if next, err = keyOf(row.FieldByIndex(r.key.Index)); err != nil {
			return connector.Permanent(fmt.Errorf("sqlconn: query %s: row after %s: Key %s: %w",
				r.name, r.place(), r.key.Column, err))
		}
	}
	if r.started && next <= r.offset {
		return connector.Permanent(fmt.Errorf(
			"sqlconn: query %s: Key %s: %d comes after %d: order the query by it, without repetition",
			r.name, r.key.Column, next, r.offset))
	}
	r.offset, r.started = next, true

	return nil
}

func keyOf(value reflect.Value) (int64, error) {
	if value.CanInt() {
		return value.Int(), nil
	}
	if value.Uint() > math.MaxInt64 {
		return 0, fmt.Errorf("%d is larger than the largest offset, %d", value.Uint(), int64(math.MaxInt64))
	}

	return int64(value.Uint()), nil
}

// Settle does nothing: a query has no memory of its rows.
func (r *reader[T]) Settle(context.Context, []connector.Settlement) error { return nil }

// Close ends the query and gives its connection back.
func (r *reader[T]) Close() error {
	r.cancel()
	// The cancelled context is the ending, so the rows' report of it is not an error.
	_ = r.rows.Close()

	return nil
}
