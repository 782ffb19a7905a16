package postgresconn

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/sqlfields"
)

// column is a column of the table, with the type that its domains, if any, are made of.
type column struct {
	name     string
	oid      uint32
	typeName string
	kind     string // typtype: 'b' is a base type, 'e' an enum
	modifier int32
	nullable bool
}

// layout says how a row is encoded for the table as it is now.
type layout struct {
	version  string // the transaction that changed the table last
	relation string // without its schema, as errors name it
	columns  []cell
	others   []string // columns that no field stands for, quoted
	nullKey  bool     // whether a column of the key may be NULL
}

// cell is one value of a row.
type cell struct {
	field  string
	offset uintptr
	encode encoder
}

const columnsQuery = `WITH RECURSIVE base(name, oid, modifier, nullable) AS (
	SELECT attname, atttypid, atttypmod, NOT attnotnull FROM pg_attribute
	WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
	UNION ALL
	SELECT b.name, t.typbasetype, t.typtypmod, b.nullable
	FROM base b JOIN pg_type t ON t.oid = b.oid WHERE t.typtype = 'd'
)
SELECT b.name::text, t.oid::oid, t.typname::text, t.typtype::text, b.modifier, b.nullable,
	c.relname::text, c.xmin::text
FROM base b JOIN pg_type t ON t.oid = b.oid, pg_class c
WHERE t.typtype <> 'd' AND c.oid = $1::text::regclass`

// describe reads the columns of the table and compiles the encoding of a row.
func (c *Copy[T]) describe(ctx context.Context, tx pgx.Tx) (*layout, error) {
	var l layout
	columns := make(map[string]column)
	rows, err := tx.Query(ctx, columnsQuery, c.names.table)
	if err != nil {
		return nil, fmt.Errorf("columns: %w", err)
	}
	var found column
	_, err = pgx.ForEachRow(rows, []any{
		&found.name, &found.oid, &found.typeName, &found.kind, &found.modifier, &found.nullable,
		&l.relation, &l.version,
	}, func() error {
		columns[found.name] = found

		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("columns: %w", err)
	}
	if err := l.compile(reflect.TypeFor[T](), c.fields, columns); err != nil {
		return nil, connector.Permanent(err)
	}
	for _, key := range c.config.Key {
		l.nullKey = l.nullKey || columns[key].nullable
	}
	for _, f := range c.fields {
		delete(columns, f.Column)
	}
	for name := range columns {
		l.others = append(l.others, pgx.Identifier{name}.Sanitize())
	}
	c.layout.Store(&l)

	return &l, nil
}

// compile finds the encoder of each field, joining all errors.
func (l *layout) compile(row reflect.Type, fields []sqlfields.Field, columns map[string]column) error {
	var errs []error
	for _, f := range fields {
		to, found := columns[f.Column]
		if !found {
			errs = append(errs, fmt.Errorf("no column %s for field %s: add it, or tag the field `sql:\"-\"`", f.Column, f.Name))

			continue
		}
		encode, err := encoderOf(f.Type, to)
		if err != nil {
			errs = append(errs, fmt.Errorf("field %s: %w", f.Name, err))
		}
		l.columns = append(l.columns, cell{field: f.Name, offset: offsetOf(row, f.Index), encode: encode})
	}

	return errors.Join(errs...)
}

// offsetOf is where in the row the field lies. Only structs are embedded, never pointers.
func offsetOf(row reflect.Type, index []int) uintptr {
	var offset uintptr
	for _, i := range index {
		f := row.Field(i)
		offset += f.Offset
		row = f.Type
	}

	return offset
}

// unchanged reports whether the table is still what the layout says. It is asked once the
// transaction has written to the table, and so has locked it against a change: a bigint
// that became a timestamp would take the old encoding for a time.
func (w *transaction[T]) unchanged(ctx context.Context) (bool, error) {
	var same bool
	err := w.tx.QueryRow(ctx, "SELECT xmin::text = $2 FROM pg_class WHERE oid = $1::text::regclass",
		w.copy.names.table, w.stream.layout.version).Scan(&same)

	return same, err
}

// copyStatement is a COPY of the columns into the table.
func copyStatement(table string, columns []string) string {
	return "COPY " + table + " (" + strings.Join(columns, ", ") + ") FROM STDIN (FORMAT binary)"
}
