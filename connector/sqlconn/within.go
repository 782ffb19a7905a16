package sqlconn

import (
	"context"
	"database/sql"
	"fmt"
)

// within runs work in a transaction. Where tables may be missing, it makes them and runs
// the work once more.
func within(ctx context.Context, db *sql.DB, create []string, work func(tx *sql.Tx) error) error {
	err := inTransaction(ctx, db, work)
	if err == nil || len(create) == 0 || faultOf(err) != refused {
		return err
	}
	for _, statement := range create {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}

	return inTransaction(ctx, db, work)
}

func inTransaction(ctx context.Context, db *sql.DB, work func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	// After a commit this does nothing, and what was not committed is not kept.
	defer func() { _ = tx.Rollback() }()
	if err := work(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}

	return nil
}

// transactionOf is a transaction as package checkpoint takes it.
type transactionOf struct{ tx *sql.Tx }

// Exec implements checkpoint.Tx.
func (t transactionOf) Exec(ctx context.Context, statement string, args ...any) error {
	_, err := t.tx.ExecContext(ctx, statement, args...)

	return err
}

// Query implements checkpoint.Tx.
func (t transactionOf) Query(
	ctx context.Context, row func(scan func(targets ...any) error) error, statement string, args ...any,
) error {
	rows, err := t.tx.QueryContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // what goes wrong is in rows.Err
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}

	return rows.Err()
}
