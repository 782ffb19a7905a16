package main

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver
)

// openSQLite opens a database in which a commit is on the disk before it returns. It has
// one connection, because SQLite has one writer at a time.
func openSQLite(d *desk, statements ...string) (*sql.DB, error) {
	dir, err := d.dir()
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "bench.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	d.after(db.Close)
	for _, s := range statements {
		if _, err := db.ExecContext(context.Background(), s); err != nil {
			return nil, err
		}
	}

	return db, nil
}

const (
	queueTable  = `CREATE TABLE queue (id INTEGER PRIMARY KEY, body BLOB NOT NULL)`
	queueInsert = `INSERT INTO queue (body) VALUES (?)`
)

// openQueueTable prepares the insert as well.
func openQueueTable(d *desk) (*sql.DB, *sql.Stmt, error) {
	db, err := openSQLite(d, queueTable)
	if err != nil {
		return nil, nil, err
	}
	insert, err := db.PrepareContext(context.Background(), queueInsert)
	if err == nil {
		d.after(insert.Close)
	}

	return db, insert, err
}

func inTable(db *sql.DB, table string) (n int, err error) {
	err = db.QueryRowContext(context.Background(), "SELECT count(*) FROM "+table).Scan(&n)

	return n, err
}

func sqliteBatches(d *desk, n int) (job, error) {
	db, insert, err := openQueueTable(d) //nolint:sqlclosecheck // the desk closes it
	ctx := context.Background()

	return func() (int, error) {
		for range n / batch {
			if err := inTransaction(ctx, db, func(tx *sql.Tx) error {
				bound := tx.StmtContext(ctx, insert) //nolint:sqlclosecheck // the end of the transaction closes it
				for range batch {
					if _, err := bound.ExecContext(ctx, body); err != nil {
						return err
					}
				}

				return nil
			}); err != nil {
				return 0, err
			}
		}

		return inTable(db, "queue")
	}, err
}

func inTransaction(ctx context.Context, db *sql.DB, work func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := work(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}

	return tx.Commit()
}

func sqliteEach(d *desk, n int) (job, error) {
	db, insert, err := openQueueTable(d)

	return func() (int, error) {
		if err := insertEach(n, insert); err != nil {
			return 0, err
		}

		return inTable(db, "queue")
	}, err
}

func insertEach(n int, insert *sql.Stmt) error {
	return spreadOut(n, func(int) error {
		_, err := insert.ExecContext(context.Background(), body)

		return err
	})
}

// sqliteThrough has a reader take what the callers insert and delete it.
func sqliteThrough(d *desk, n int) (job, error) {
	db, insert, err := openQueueTable(d)

	return func() (int, error) {
		written := make(chan error, 1)
		go func() { written <- insertEach(n, insert) }()
		passed := 0
		for passed < n {
			some, err := takeRows(db)
			if err != nil {
				return passed, err
			}
			passed += some
		}

		return passed, <-written
	}, err
}

// takeRows takes up to a batch of messages out of the table.
func takeRows(db *sql.DB) (n int, err error) {
	ctx := context.Background()
	err = inTransaction(ctx, db, func(tx *sql.Tx) (err error) {
		rows, err := tx.QueryContext(ctx, `DELETE FROM queue WHERE id IN (SELECT id FROM queue ORDER BY id LIMIT ?) RETURNING body`, batch)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			var data []byte
			if err := rows.Scan(&data); err != nil {
				return err
			}
			n++
		}

		return rows.Err()
	})

	return n, err
}
