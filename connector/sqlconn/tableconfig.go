package sqlconn

import (
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/millrace-go/millrace/internal/sqlfields"
)

// TableConfig says which table a [Table] writes to, and how.
type TableConfig struct {
	// DB is the database; required. The Table never closes it.
	DB *sql.DB
	// Table is the name, with its schema if need be: "invoices", "billing.invoices".
	// Required. It must be a transactional table (InnoDB, where that is a choice).
	Table string
	// Dialect is the kind of SQL; required.
	Dialect Dialect
	// OnConflict is what happens to a row whose key exists. The default, Refuse, fails
	// the row. Update and Keep make writes idempotent.
	OnConflict OnConflict
	// Key lists the columns by which Update and Keep find an existing row; a unique
	// constraint must cover exactly them. Required with Update and Keep, an error with
	// Refuse. MySQL considers every unique index of the table, not this one alone.
	Key []string
	// Checkpoint, where it is given, makes each message's row exactly once; see
	// [Checkpoint]. Its DB must be that of the Table.
	Checkpoint *Checkpoint
	// Inbox, where it is given, writes no message twice whose ID is known; see [Inbox]. Its
	// DB must be that of the Table. A Table has a Checkpoint or an Inbox, not both.
	Inbox *Inbox
}

// notes is the checkpoint or the inbox, or nil.
func (c TableConfig) notes() (notes, error) {
	switch {
	case c.Checkpoint != nil && c.Inbox != nil:
		return nil, errors.New("TableConfig.Checkpoint and TableConfig.Inbox do the same: give one of them")
	case c.Checkpoint != nil && c.Checkpoint.db != c.DB:
		return nil, errors.New("TableConfig.Checkpoint has another DB: rows and marks must share a transaction")
	case c.Inbox != nil && c.Inbox.config.DB != c.DB:
		return nil, errors.New("TableConfig.Inbox has another DB: rows and IDs must share a transaction")
	case c.Checkpoint != nil:
		return c.Checkpoint, nil
	case c.Inbox != nil:
		return c.Inbox, nil
	default:
		return nil, nil
	}
}

// inserter checks the configuration against the columns and quotes all names.
func (c TableConfig) inserter(fields []field) (inserter, error) {
	errs := []error{c.check()}
	s := inserter{dialect: c.Dialect, onConflict: c.OnConflict}
	var err error
	s.table, err = c.Dialect.quotePath(c.Table)
	errs = append(errs, err)
	for _, f := range fields {
		quoted, err := c.Dialect.quote(f.Column)
		s.columns, errs = append(s.columns, quoted), append(errs, wrap(err, "field "+f.Name))
		if slices.Contains(c.Key, f.Column) {
			s.key = append(s.key, quoted)
		}
	}
	for _, key := range c.Key {
		if !slices.ContainsFunc(fields, func(f field) bool { return f.Column == key }) {
			errs = append(errs, fmt.Errorf("TableConfig.Key %q is not the column of any field", key))
		}
	}
	if len(fields) > c.Dialect.maxParameters() {
		errs = append(errs, fmt.Errorf("%d columns are more than the %d values of a statement",
			len(fields), c.Dialect.maxParameters()))
	}

	return s, errors.Join(errs...)
}

func (c TableConfig) check() error {
	var errs []error
	if c.DB == nil {
		errs = append(errs, errors.New("TableConfig.DB is nil: give an open *sql.DB"))
	}
	if !c.Dialect.known() {
		errs = append(errs, errors.New("TableConfig.Dialect is not set: choose SQLite, PostgreSQL or MySQL"))
	}
	if c.OnConflict > Keep {
		errs = append(errs, fmt.Errorf("TableConfig.OnConflict %d is not Refuse, Update or Keep", c.OnConflict))
	}
	switch {
	case c.OnConflict == Refuse && len(c.Key) > 0:
		errs = append(errs, errors.New("TableConfig.Key has no effect with OnConflict Refuse: choose Update or Keep"))
	case c.OnConflict != Refuse && len(c.Key) == 0:
		errs = append(errs, errors.New("TableConfig.Key is empty: OnConflict Update and Keep need the key columns"))
	}

	return errors.Join(errs...)
}

func wrap(err error, what string) error {
	if err == nil {
		return nil
	}

	return fmt.Errorf("%s: %w", what, err)
}

// field is one struct field that stands for a column.
type field = sqlfields.Field

// typeOf returns the columns of T.
func typeOf[T any]() ([]field, error) { return sqlfields.Of(reflect.TypeFor[T]()) }
