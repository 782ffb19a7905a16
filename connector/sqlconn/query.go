package sqlconn

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"

	"github.com/millrace-go/millrace/connector"
)

// QueryConfig says what a [Query] reads.
type QueryConfig struct {
	// DB is the database; required. The Query never closes it.
	DB *sql.DB
	// Name is the endpoint in errors and metrics, and the partition of every Position;
	// required.
	Name string
	// SQL is the query, with the placeholders of the driver; required. Only with an
	// ORDER BY over unique columns do messages keep their order, and their Positions,
	// from run to run.
	SQL string
	// Args are the values of the placeholders.
	Args []any
	// Key is the column of an integer field whose value becomes the Offset of the
	// Position, so that a message has the same Position in every run. The query must be
	// ordered by it, ascending and without repetition; a row out of order ends the
	// reading with an error. Without Key the Offset counts the rows of this run from 1.
	Key string
}

// Query is a source that streams the rows of one query; memory does not grow with their
// number. Make one with [NewQuery]. Every Open runs the query anew and reads all of it,
// on a connection that is taken until Close.
//
// Rows cannot be taken back: a message that returns to the source stops the pipeline.
// To process each row once across runs, select the rows that are not done yet, or give
// Key and store the Position with the effect.
type Query[T any] struct {
	config QueryConfig
	fields []field
	key    *field
}

// NewQuery returns a source for the query, or all errors of the configuration and of the
// struct tags of T. It does not touch the database.
func NewQuery[T any](config QueryConfig) (*Query[T], error) {
	fields, err := typeOf[T]()
	q := &Query[T]{config: config, fields: fields}
	errs := []error{config.check(), err}
	if config.Key != "" && err == nil {
		q.key, err = keyField(fields, config.Key)
		errs = append(errs, wrap(err, "QueryConfig"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("sqlconn: query %q: %w", config.Name, err)
	}

	return q, nil
}

func (c QueryConfig) check() error {
	var errs []error
	if c.DB == nil {
		errs = append(errs, errors.New("QueryConfig.DB is nil: give an open *sql.DB"))
	}
	if c.Name == "" {
		errs = append(errs, errors.New("QueryConfig.Name is empty: name the query for errors and positions"))
	}
	if c.SQL == "" {
		errs = append(errs, errors.New("QueryConfig.SQL is empty: give the query"))
	}

	return errors.Join(errs...)
}

func keyField(fields []field, key string) (*field, error) {
	for i, f := range fields {
		if f.Column != key {
			continue
		}
		if zero := reflect.Zero(f.Type); !zero.CanInt() && !zero.CanUint() {
			return nil, fmt.Errorf("the Key %q: field %s is a %s, not an integer", key, f.Name, f.Type)
		}

		return &fields[i], nil
	}

	return nil, fmt.Errorf("the Key %q is not the column of any field", key)
}

// Open runs the query and checks that its columns and the fields of T are the same. A
// column without a field, or a field without a column, is a permanent error that names
// both sides.
func (q *Query[T]) Open(ctx context.Context) (connector.Reader[T], error) {
	// The rows outlive ctx, which bounds Open alone.
	rowsCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	rows, err := q.config.DB.QueryContext(rowsCtx, q.config.SQL, q.config.Args...)
	if !stop() {
		err = errors.Join(context.Cause(ctx), err)
	}
	if err != nil {
		cancel()

		return nil, classify(fmt.Errorf("sqlconn: query %s: open: %w",
			q.config.Name, errors.Join(err, closeRows(rows))))
	}
	order, err := match(rows, q.fields)
	if err != nil {
		cancel()

		return nil, connector.Permanent(fmt.Errorf("sqlconn: query %s: %w",
			q.config.Name, errors.Join(err, closeRows(rows))))
	}

	return &reader[T]{
		name: q.config.Name, rows: rows, cancel: cancel, order: order, key: q.key,
		targets: make([]any, len(order)),
	}, nil
}

func closeRows(rows *sql.Rows) error {
	if rows == nil {
		return nil
	}

	return rows.Close()
}

// Describe names the query; it cannot take messages back.
func (q *Query[T]) Describe() connector.Capabilities {
	return connector.Capabilities{Name: "query " + q.config.Name, Durable: q.key != nil}
}

// CheckHealth pings the database.
func (q *Query[T]) CheckHealth(ctx context.Context) error {
	return ping(ctx, q.config.DB, "query "+q.config.Name)
}
