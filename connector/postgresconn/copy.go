package postgresconn

import (
	"context"
	"fmt"
	"reflect"
	"sync/atomic"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/sqlfields"
)

// Copy is a sink that writes one row for each message by COPY, in PostgreSQL's binary
// format. Make one with [NewCopy]. It is safe for concurrent use.
//
// Each Write is one transaction. With Update and Keep the rows go by COPY into a temporary
// table, and from there into the table with one INSERT ... ON CONFLICT; of messages with
// the same key in one Write, the last one wins with Update and the first one with Keep.
//
// Where rows are refused for their values, the Write commits the others and returns a
// *[connector.PartialError] whose failed members carry the database's cause. The line that
// COPY's error names says which row it is; where an error names none, as that of a foreign
// key, the row is found by halving inside savepoints. A constraint that is checked at the
// commit has no savepoint to fall back to: there the halves are transactions of their own.
// Any other failure rolls everything back. A commit whose result is not known is
// ambiguous, and so are its messages, also where the Copy is idempotent.
//
// A field must fit the type of its column, because COPY converts nothing:
//
//   - bool, integers and floats of any size: their namesakes, with their range checked, and
//     numeric; time.Time: timestamptz, timestamp (as UTC) and date
//   - string: text, varchar, char, enums, json, xml, uuid and numeric; []byte: bytea, text
//     and json
//   - transform.Money: numeric. An amount with more decimals than the column is refused,
//     where PostgreSQL would round it
//   - an array of 16 bytes, as uuid.UUID is: uuid
//   - any type for a column of type json or jsonb, by its JSON encoding
//   - a driver.Valuer, such as sql.Null, for what its value fits
//
// A pointer, slice or map that is nil is NULL. What the types do not allow fails the first
// Write, with an error that names field and column. The columns of the table are read at
// the first Write, and again after a Write was refused for the table itself.
type Copy[T any] struct {
	config CopyConfig
	names  names
	fields []sqlfields.Field
	// layout is what the table was like last; nil when it must be looked at.
	layout atomic.Pointer[layout]
}

// NewCopy returns a sink for the table, or all errors of the configuration and of the
// struct tags of T. It does not touch the database.
func NewCopy[T any](config CopyConfig) (*Copy[T], error) {
	fields, err := sqlfields.Of(reflect.TypeFor[T]())
	if err != nil {
		return nil, fmt.Errorf("postgresconn: copy %q: %w", config.Table, err)
	}
	quoted, err := config.quoted(fields)
	if err != nil {
		return nil, fmt.Errorf("postgresconn: copy %q: %w", config.Table, err)
	}

	return &Copy[T]{config: config, names: quoted, fields: fields}, nil
}

// Write copies the messages; see [Copy] for what becomes of rows that are refused.
func (c *Copy[T]) Write(ctx context.Context, messages []connector.Message[T]) error {
	if len(messages) == 0 {
		return nil
	}
	partial := connector.NewPartialError(len(messages))
	if c.config.Checkpoint != nil {
		c.deliverOnce(ctx, messages, partial.Members)
	} else {
		c.deliver(ctx, messages, partial.Members)
	}

	return summary(partial)
}

// summary is nil when all members were accepted, their error when they share one, and
// otherwise the partial error.
func summary(partial *connector.PartialError) error {
	first := partial.Members[0]
	for _, member := range partial.Members {
		if member != first {
			return partial
		}
	}

	return first.Err
}

// Describe says that the table keeps what it accepted, and is idempotent with a Checkpoint,
// Update or Keep.
func (c *Copy[T]) Describe() connector.Capabilities {
	return connector.Capabilities{
		Name: "copy " + c.config.Table, Durable: true,
		Idempotent: c.config.OnConflict != Refuse || c.config.Checkpoint != nil,
	}
}

// CheckHealth pings the database.
func (c *Copy[T]) CheckHealth(ctx context.Context) error {
	if err := c.config.Pool.Ping(ctx); err != nil {
		return connector.Transient(fmt.Errorf("postgresconn: copy %s: ping: %w", c.config.Table, err))
	}

	return nil
}
