package sqlconn

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/millrace-go/millrace/connector"
)

const outboxTable = "millrace_outbox"

// OutboxConfig says what an [Outbox] keeps.
type OutboxConfig[T any] struct {
	// DB is the database; required. The Outbox never closes it.
	DB *sql.DB
	// Dialect is the kind of SQL; required.
	Dialect Dialect
	// Name tells the outboxes of one database apart; required, 128 bytes at most.
	Name string
	// Codec turns values into what is stored; required.
	Codec connector.Codec[T]
	// Key gives a message its key; nil for none.
	Key func(T) string
	// Lease and Poll are those of [ClaimsConfig].
	Lease, Poll time.Duration
}

// Outbox takes messages in a transaction of the user's, together with what they tell of,
// and is the source that hands them out once that is committed. Make one with [NewOutbox].
//
//	tx, err := db.BeginTx(ctx, nil)
//	// … change orders …
//	err = outbox.Add(ctx, tx, OrderPlaced{ID: 7})
//	err = tx.Commit()
//
//	flow.From(outbox).To(topic)
//
// What is rolled back was never added. What is committed is handed out at least once, in
// the order of Add as far as nothing is returned and one reader reads; the ID of a message
// stays the same, so that whoever receives it can tell a repetition. It is a source as
// [Claims] is one: several processes may drain the same outbox.
//
// An Outbox is safe for concurrent use.
type Outbox[T any] struct {
	config OutboxConfig[T]
	claims *Claims[letter]
	insert string
}

// letter is a row of the outbox.
type letter struct {
	ID   int64
	Body []byte
}

// NewOutbox returns an outbox, or all errors of the configuration. It does not touch the
// database; [Outbox.Create] makes its table.
func NewOutbox[T any](config OutboxConfig[T]) (*Outbox[T], error) {
	errs := []error{checkName("OutboxConfig", config.Name)}
	if config.Codec == nil {
		errs = append(errs, errors.New("OutboxConfig.Codec is nil: transform.JSON is one"))
	}
	claims, err := NewClaims[letter](ClaimsConfig{
		DB: config.DB, Dialect: config.Dialect, Name: config.Name, Table: outboxTable, Key: "id",
		Where: "name = " + config.Dialect.placeholder(1), Args: []any{config.Name}, Lease: config.Lease, Poll: config.Poll,
	})
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, fmt.Errorf("sqlconn: outbox %.80q: %w", config.Name, err)
	}

	return &Outbox[T]{
		config: config, claims: claims,
		insert: config.Dialect.bound("INSERT INTO " + outboxTable + " (name, body) VALUES (?, ?)"),
	}, nil
}

// Create makes the table millrace_outbox, which all outboxes of a database share, where it
// is missing.
func (o *Outbox[T]) Create(ctx context.Context) error {
	id, name, body := "INTEGER PRIMARY KEY AUTOINCREMENT", "TEXT", "BLOB"
	switch o.config.Dialect {
	case PostgreSQL:
		id, body = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "BYTEA"
	case MySQL:
		id, name, body = "BIGINT AUTO_INCREMENT PRIMARY KEY", fmt.Sprintf("VARBINARY(%d)", mostName), "LONGBLOB"
	case SQLite:
	}
	_, err := o.config.DB.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+outboxTable+" (id "+id+", name "+name+" NOT NULL, body "+body+
		" NOT NULL, "+tokenColumn+" BIGINT NOT NULL DEFAULT 0, "+untilColumn+" BIGINT NOT NULL DEFAULT 0, "+
		attemptColumn+" BIGINT NOT NULL DEFAULT 0)")

	return classified(wrap(err, "sqlconn: outbox "+o.config.Name+": create"))
}

// Add writes the values in the transaction, which the caller commits.
func (o *Outbox[T]) Add(ctx context.Context, tx *sql.Tx, values ...T) error {
	for _, value := range values {
		body, err := o.config.Codec.Append(nil, value)
		if err != nil {
			return connector.Permanent(fmt.Errorf("sqlconn: outbox %s: encode: %w", o.config.Name, err))
		}
		if _, err := tx.ExecContext(ctx, o.insert, o.config.Name, body); err != nil {
			return classify(fmt.Errorf("sqlconn: outbox %s: add: %w", o.config.Name, err))
		}
	}

	return nil
}

// Open returns a competing reader.
func (o *Outbox[T]) Open(ctx context.Context) (connector.Reader[T], error) {
	inner, err := o.claims.Open(ctx)
	if err != nil {
		return nil, err
	}

	return &outboxReader[T]{claimsReader: inner.(*claimsReader[letter]), outbox: o}, nil
}

// Describe names the outbox, which takes messages back, and its lease.
func (o *Outbox[T]) Describe() connector.Capabilities {
	caps := o.claims.Describe()
	caps.Name = "outbox " + o.config.Name

	return caps
}

// CheckHealth pings the database.
func (o *Outbox[T]) CheckHealth(ctx context.Context) error {
	return ping(ctx, o.config.DB, "outbox "+o.config.Name)
}

// outboxReader decodes what is claimed.
type outboxReader[T any] struct {
	*claimsReader[letter]

	outbox *Outbox[T]
}

// Read implements [connector.Reader]. A letter that cannot be decoded ends the reading with
// an error that names it, behind those before it.
func (r *outboxReader[T]) Read(ctx context.Context, limit int) ([]connector.Message[T], error) {
	letters, err := r.claimsReader.Read(ctx, limit)
	messages := make([]connector.Message[T], 0, len(letters))
	for _, l := range letters {
		value, err := r.outbox.config.Codec.Decode(l.Value.Body)
		if err != nil {
			return messages, connector.Permanent(fmt.Errorf("sqlconn: outbox %s: letter %d: %w", r.outbox.config.Name, l.Value.ID, err))
		}
		meta := l.Meta
		if r.outbox.config.Key != nil {
			meta = meta.WithKey(r.outbox.config.Key(value))
		}
		messages = append(messages, connector.Message[T]{Meta: meta, Value: value})
	}

	return messages, err
}
