package sqlconn

import (
	"context"
	"fmt"
	"io"
	"reflect"

	"github.com/millrace-go/millrace/connector"
)

// pagesReader hands out page after page.
type pagesReader[T any] struct {
	pages *Pages[T]
	// after is the key of the last row that was read, once started.
	after   int64
	started bool
	// page is what was read and not handed out.
	page []connector.Message[T]
	end  error
}

// Read asks for the next page once the one before is handed out. What failed is asked for
// again by the next Read, from the same key on.
func (r *pagesReader[T]) Read(ctx context.Context, limit int) ([]connector.Message[T], error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("sqlconn: pages %s: read: %w", r.pages.config.Name, err)
	}
	if len(r.page) == 0 {
		if r.end != nil {
			return nil, r.end
		}
		if err := r.next(ctx); err != nil {
			return nil, err
		}
		if len(r.page) == 0 {
			return nil, r.end
		}
	}
	n := min(limit, len(r.page))
	messages := r.page[:n:n]
	r.page = r.page[n:]

	return messages, nil
}

// next reads a page whole, or leaves everything as it was.
func (r *pagesReader[T]) next(ctx context.Context) error {
	p := r.pages
	args := p.config.Args
	if r.started {
		args = append(args[:len(args):len(args)], r.after)
	}
	rows, err := p.config.DB.QueryContext(ctx, p.statement(r.started), args...)
	if err != nil {
		return classify(fmt.Errorf("sqlconn: pages %s: after %s: %w", p.config.Name, r.place(), err))
	}
	defer func() { _ = rows.Close() }() // what goes wrong is in rows.Err
	var page []connector.Message[T]
	targets, last, started := make([]any, len(p.fields)), r.after, r.started
	for rows.Next() {
		var m connector.Message[T]
		row := reflect.ValueOf(&m.Value).Elem()
		if err := scanRow(rows, p.fields, row, targets); err != nil {
			return connector.Permanent(fmt.Errorf("sqlconn: pages %s: row after %s: %w", p.config.Name, r.place(), err))
		}
		key, err := keyOf(row.FieldByIndex(p.key.Index))
		if err == nil && started && key <= last {
			err = fmt.Errorf("%d comes after %d: the column must be unique", key, last)
		}
		if err != nil {
			return connector.Permanent(fmt.Errorf("sqlconn: pages %s: row after %s: Key %s: %w", p.config.Name, r.place(), p.key.Column, err))
		}
		last, started = key, true
		m.Meta = new(connector.MakeMeta(connector.Fields{
			Position: connector.Position{Partition: p.config.Name, Offset: key},
		}))
		page = append(page, m)
	}
	if err := rows.Err(); err != nil {
		return classify(fmt.Errorf("sqlconn: pages %s: after %s: %w", p.config.Name, r.place(), err))
	}
	r.page, r.after, r.started = page, last, started
	if len(page) < p.config.Page {
		r.end = io.EOF
	}

	return nil
}

// place is where the reading stands, for errors.
func (r *pagesReader[T]) place() string {
	if !r.started {
		return "the start"
	}

	return fmt.Sprintf("%s %d", r.pages.key.Column, r.after)
}

// Settle does nothing: a table has no memory of who has read it.
func (r *pagesReader[T]) Settle(context.Context, []connector.Settlement) error { return nil }

// Close does nothing: no query is open between two Reads.
func (r *pagesReader[T]) Close() error { return nil }
