package sqlconn

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/millrace-go/millrace/connector"
)

const (
	defaultPage = 1000
	mostPage    = 100_000
)

// PagesConfig says what a [Pages] reads.
type PagesConfig struct {
	// DB is the database; required. The Pages never closes it.
	DB *sql.DB
	// Dialect is the kind of SQL; required.
	Dialect Dialect
	// Name is the endpoint in errors and metrics, and the partition of every Position;
	// required.
	Name string
	// Table is the table or view, with its schema if need be; required.
	Table string
	// Key is the column of an integer field by which the rows are ordered; required. It must
	// be unique, and an index should begin with it.
	Key string
	// Where is a condition in SQL, with the placeholders of the driver, and Args their
	// values; empty for all rows.
	Where string
	Args  []any
	// Page is how many rows are asked for at once; default 1000, 100,000 at most.
	Page int
}

// Pages is a source that reads a table in the order of an integer key, page by page: each
// page is a query of its own for what comes after the last key, so that no cursor, no
// connection and no transaction stays open between them, and memory holds one page. Make
// one with [NewPages].
//
// The Offset of a Position is the key, so a [Checkpoint] resumes behind what is done. Rows
// that are committed while the table is read come if their key is larger than what was read
// by then. A row whose smaller key becomes visible later, which happens where several
// writers take keys from a sequence, is missed by this run and by those that resume: read
// such a table with a [Watermark] that lags, a [Claims], or by capturing changes.
//
// Rows cannot be taken back: a message that returns to the source stops the pipeline.
type Pages[T any] struct {
	config    PagesConfig
	fields    []field
	key       *field
	statement func(after bool) string
}

// NewPages returns a source for the table, or all errors of the configuration and of the
// struct tags of T. It does not touch the database.
func NewPages[T any](config PagesConfig) (*Pages[T], error) {
	if config.Page == 0 {
		config.Page = defaultPage
	}
	p := &Pages[T]{config: config}
	fields, err := typeOf[T]()
	errs := []error{config.check(), err}
	p.fields = fields
	if err == nil {
		p.key, err = keyField(fields, config.Key)
		errs = append(errs, wrap(err, "PagesConfig"))
		p.statement, err = config.statements(fields)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("sqlconn: pages %q: %w", config.Name, err)
	}

	return p, nil
}

func (c PagesConfig) check() error {
	errs := []error{checkDB("PagesConfig", c.DB, c.Dialect)}
	if c.Name == "" {
		errs = append(errs, errors.New("PagesConfig.Name is empty: name the source for errors and positions"))
	}
	if c.Page < 1 || c.Page > mostPage {
		errs = append(errs, fmt.Errorf("PagesConfig.Page %d is not between 1 and %d", c.Page, mostPage))
	}
	if c.Where == "" && len(c.Args) > 0 {
		errs = append(errs, errors.New("PagesConfig.Args have no effect without Where"))
	}

	return errors.Join(errs...)
}

// statements returns the query of a page: the first one, and one after a key.
func (c PagesConfig) statements(fields []field) (func(after bool) string, error) {
	table, err := c.Dialect.quotePath(c.Table)
	columns, columnsErr := quoteAll(c.Dialect, fields)
	key, keyErr := c.Dialect.quote(c.Key)
	if err := errors.Join(err, columnsErr, keyErr); err != nil {
		return nil, err
	}

	return func(after bool) string {
		var conditions []string
		if c.Where != "" {
			conditions = append(conditions, "("+c.Where+")")
		}
		if after {
			conditions = append(conditions, key+" > "+c.Dialect.placeholder(len(c.Args)+1))
		}

		return "SELECT " + columns + " FROM " + table + whereAll(conditions) + " ORDER BY " + key + " LIMIT " + strconv.Itoa(c.Page)
	}, nil
}

func whereAll(conditions []string) string {
	if len(conditions) == 0 {
		return ""
	}

	return " WHERE " + strings.Join(conditions, " AND ")
}

// quoteAll lists the columns of the fields.
func quoteAll(d Dialect, fields []field) (string, error) {
	columns := make([]string, len(fields))
	var errs []error
	for i, f := range fields {
		quoted, err := d.quote(f.Column)
		columns[i], errs = quoted, append(errs, wrap(err, "field "+f.Name))
	}

	return strings.Join(columns, ", "), errors.Join(errs...)
}

// Open reads from the first row on.
func (p *Pages[T]) Open(ctx context.Context) (connector.Reader[T], error) {
	return p.OpenAfter(ctx, nil)
}

// OpenAfter implements [connector.Resumer]: it reads what comes after the key.
func (p *Pages[T]) OpenAfter(_ context.Context, done []connector.Position) (connector.Reader[T], error) {
	r := &pagesReader[T]{pages: p}
	for _, position := range done {
		if position.Partition != p.config.Name {
			return nil, connector.Permanent(fmt.Errorf("sqlconn: pages %s: position %s is not of this source", p.config.Name, position))
		}
		r.after, r.started = position.Offset, true
	}

	return r, nil
}

// Describe names the table; it cannot take messages back.
func (p *Pages[T]) Describe() connector.Capabilities {
	return connector.Capabilities{Name: "pages " + p.config.Name}
}

// CheckHealth pings the database.
func (p *Pages[T]) CheckHealth(ctx context.Context) error {
	return ping(ctx, p.config.DB, "pages "+p.config.Name)
}

// scanRow reads one row into the struct.
func scanRow(rows *sql.Rows, fields []field, row reflect.Value, targets []any) error {
	for i, f := range fields {
		targets[i] = row.FieldByIndex(f.Index).Addr().Interface()
	}

	return rows.Scan(targets...)
}
