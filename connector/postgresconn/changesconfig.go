package postgresconn

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"
	"github.com/millrace-go/millrace/internal/sqlnames"
)

// ChangesConfig says which table a [Changes] captures.
type ChangesConfig struct {
	// Address is the connection string of the database; required. Its user needs the
	// REPLICATION attribute, must be able to read the table, and must own it or the
	// publication must exist.
	Address string
	// Table is the name, with its schema if need be; required.
	Table string
	// Slot is the name of the replication slot, and the partition of every Position;
	// required: lower-case letters, digits and underscores, 50 at most. The publication has
	// the same name, unless Publication names another one.
	Slot string
	// Publication is one that exists, instead of one that is made for the table.
	Publication string
	// SkipSnapshot begins with the changes from the first Open on, without the rows that are
	// there.
	SkipSnapshot bool
	// LocalOnly leaves out what was made under a replication origin, so that two databases
	// that capture each other's changes do not send them round in a circle.
	LocalOnly bool
}

const mostSlot = 50 // the names that are made of it are longer

var slotName = regexp.MustCompile(`^[a-z0-9_]+$`)

func (c ChangesConfig) check() error {
	var errs []error
	if _, err := pgx.ParseConfig(c.Address); err != nil || c.Address == "" {
		errs = append(errs, fmt.Errorf("ChangesConfig.Address: want a connection string: %w", err))
	}
	_, err := sqlnames.PostgreSQL.QuotePath(c.Table)
	errs = append(errs, err)
	if len(c.Slot) > mostSlot || !slotName.MatchString(c.Slot) {
		errs = append(errs, fmt.Errorf(
			"ChangesConfig.Slot %.80q: want 1 to %d lower-case letters, digits and underscores", c.Slot, mostSlot))
	}
	if c.Publication != "" {
		_, err := sqlnames.PostgreSQL.Quote(c.Publication)
		errs = append(errs, err)
	}

	return errors.Join(errs...)
}

// publication is the name of it, and whether it is made where it is missing.
func (c ChangesConfig) publication() (name string, ours bool) {
	if c.Publication != "" {
		return c.Publication, false
	}

	return c.Slot, true
}
