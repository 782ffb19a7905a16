package postgresconn

import (
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/millrace-go/millrace/internal/sqlfields"
	"github.com/millrace-go/millrace/internal/sqlnames"
)

// OnConflict is what a Copy does with a row whose key exists already.
type OnConflict uint8

const (
	// Refuse fails the row. It is the default, and the fastest.
	Refuse OnConflict = iota
	// Update overwrites the columns of the existing row.
	Update
	// Keep leaves the existing row as it is and counts the message as accepted.
	Keep
)

// CopyConfig says which table a [Copy] writes to, and how.
type CopyConfig struct {
	// Pool is the database; required. The Copy never closes it. Each Write takes one
	// connection from it. Update and Keep keep a temporary table in the session, so they do
	// not work through a pooler that changes sessions between transactions.
	Pool *pgxpool.Pool
	// Table is the name, with its schema if need be: "invoices", "billing.invoices".
	// Required.
	Table string
	// OnConflict is what happens to a row whose key exists; default Refuse.
	OnConflict OnConflict
	// Key lists the columns by which Update and Keep find an existing row; a unique
	// constraint must cover exactly them. Required with Update and Keep, an error with
	// Refuse.
	Key []string
	// Checkpoint, where it is given, makes each message's row exactly once; see
	// [Checkpoint]. Its pool must be that of the Copy.
	Checkpoint *Checkpoint
}

func (c CopyConfig) check() error {
	var errs []error
	if c.Pool == nil {
		errs = append(errs, errors.New("CopyConfig.Pool is nil: give an open *pgxpool.Pool"))
	}
	if c.OnConflict > Keep {
		errs = append(errs, fmt.Errorf("CopyConfig.OnConflict %d is not Refuse, Update or Keep", c.OnConflict))
	}
	if c.Checkpoint != nil && c.Checkpoint.pool != c.Pool {
		errs = append(errs, errors.New("CopyConfig.Checkpoint has another pool: rows and marks must share a transaction"))
	}
	switch {
	case c.OnConflict == Refuse && len(c.Key) > 0:
		errs = append(errs, errors.New("CopyConfig.Key has no effect with OnConflict Refuse: choose Update or Keep"))
	case c.OnConflict != Refuse && len(c.Key) == 0:
		errs = append(errs, errors.New("CopyConfig.Key is empty: OnConflict Update and Keep need the key columns"))
	}

	return errors.Join(errs...)
}

// quoted checks the names against the fields and quotes them.
func (c CopyConfig) quoted(fields []sqlfields.Field) (names, error) {
	errs := []error{c.check()}
	var n names
	var err error
	n.table, err = sqlnames.PostgreSQL.QuotePath(c.Table)
	errs = append(errs, err)
	for _, f := range fields {
		column, err := sqlnames.PostgreSQL.Quote(f.Column)
		if err != nil {
			errs = append(errs, fmt.Errorf("field %s: %w", f.Name, err))
		}
		n.columns = append(n.columns, column)
		if slices.Contains(c.Key, f.Column) {
			n.key = append(n.key, column)
		}
	}
	for _, key := range c.Key {
		if !slices.ContainsFunc(fields, func(f sqlfields.Field) bool { return f.Column == key }) {
			errs = append(errs, fmt.Errorf("CopyConfig.Key %q is not the column of any field", key))
		}
	}

	return n, errors.Join(errs...)
}

// names are those of a table, quoted.
type names struct {
	table   string
	columns []string
	key     []string
}
