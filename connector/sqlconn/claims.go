package sqlconn

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/millrace-go/millrace/connector"
)

const (
	defaultLease = 30 * time.Second
	leastLease   = 100 * time.Millisecond
	defaultPoll  = time.Second
	leastPoll    = time.Millisecond
)

// The columns in which a table of work keeps its claims.
const (
	tokenColumn   = "millrace_token"
	untilColumn   = "millrace_until"
	attemptColumn = "millrace_attempt"
)

// ClaimsConfig says which rows a [Claims] hands out.
type ClaimsConfig struct {
	// DB is the database; required. The Claims never closes it.
	DB *sql.DB
	// Dialect is the kind of SQL; required. MySQL must be 8.0 or MariaDB 10.6, or later, and
	// SQLite 3.35 or later.
	Dialect Dialect
	// Name is the endpoint in errors and metrics, and the partition of every Position;
	// required.
	Name string
	// Table is the table of work, with its schema if need be; required. Besides the columns
	// of T it needs three of type BIGINT NOT NULL DEFAULT 0: millrace_token, millrace_until
	// and millrace_attempt.
	Table string
	// Key is the column of an integer field that is unique; required. Rows are handed out in
	// its order.
	Key string
	// Where is a condition in SQL, with the placeholders of the driver, and Args their
	// values; empty for all rows.
	Where string
	Args  []any
	// Lease is how long a row stays with its reader unless flow extends it; default 30 s,
	// 100 ms at least.
	Lease time.Duration
	// Poll is how long Read waits before it looks again where there is nothing to do;
	// default 1 s.
	Poll time.Duration
	// Keep leaves rows that are done in the table, never to be handed out again. By default
	// they are deleted.
	Keep bool
}

// Claims is a source that hands out the rows of a table as work: each row is with one
// reader at a time, over all processes that read the table. Make one with [NewClaims].
// Every Open is a competing reader.
//
// On PostgreSQL and MySQL a reader takes rows with FOR UPDATE SKIP LOCKED, so that readers
// do not wait for each other; on SQLite, which has one writer at a time, with one UPDATE.
// No transaction stays open while a row is worked on: the claim is a token and an end of
// lease in the row, by the clock of the database. A row whose reader dies is handed out
// again when its lease ends, with its attempt counted up. One that is returned comes again
// after its delay; one that ends in any other way is deleted. A row may be handed out twice
// where a lease was lost: the grade is at least once.
//
// It never ends by itself: Read waits for rows.
type Claims[T any] struct {
	config ClaimsConfig
	fields []field
	key    *field
	sql    claimStatements
}

// NewClaims returns a source for the table, or all errors of the configuration and of the
// struct tags of T. It does not touch the database.
func NewClaims[T any](config ClaimsConfig) (*Claims[T], error) {
	if config.Lease == 0 {
		config.Lease = defaultLease
	}
	if config.Poll == 0 {
		config.Poll = defaultPoll
	}
	c := &Claims[T]{config: config}
	fields, err := typeOf[T]()
	errs := []error{config.check(), err}
	c.fields = fields
	if err == nil {
		c.key, err = keyField(fields, config.Key)
		errs = append(errs, wrap(err, "ClaimsConfig"))
		c.sql, err = config.statements(fields)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("sqlconn: claims %q: %w", config.Name, err)
	}

	return c, nil
}

func (c ClaimsConfig) check() error {
	errs := []error{checkDB("ClaimsConfig", c.DB, c.Dialect)}
	if c.Name == "" {
		errs = append(errs, errors.New("ClaimsConfig.Name is empty: name the source for errors and positions"))
	}
	if c.Lease < leastLease {
		errs = append(errs, fmt.Errorf("ClaimsConfig.Lease %s is less than %s", c.Lease, leastLease))
	}
	if c.Poll < leastPoll {
		errs = append(errs, fmt.Errorf("ClaimsConfig.Poll %s is less than %s", c.Poll, leastPoll))
	}
	if c.Where == "" && len(c.Args) > 0 {
		errs = append(errs, errors.New("ClaimsConfig.Args have no effect without Where"))
	}

	return errors.Join(errs...)
}

// Open returns a competing reader. It does not touch the database.
func (c *Claims[T]) Open(context.Context) (connector.Reader[T], error) {
	return &claimsReader[T]{claims: c, open: make(map[connector.Position]int64)}, nil
}

// Describe names the table of work, which takes rows back, and its lease.
func (c *Claims[T]) Describe() connector.Capabilities {
	return connector.Capabilities{Name: "claims " + c.config.Name, Returns: true, Lease: c.config.Lease}
}

// CheckHealth pings the database.
func (c *Claims[T]) CheckHealth(ctx context.Context) error {
	return ping(ctx, c.config.DB, "claims "+c.config.Name)
}

// now is the database's clock in milliseconds since 1970.
func (d Dialect) now() string {
	switch d {
	case PostgreSQL:
		return "(extract(epoch FROM statement_timestamp()) * 1000)::bigint"
	case MySQL:
		return "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)"
	case SQLite:
	}

	return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
}

// joinInts lists numbers in SQL.
func joinInts(list []int64) string {
	var b strings.Builder
	for i, n := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d", n)
	}

	return b.String()
}
