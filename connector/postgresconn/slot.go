package postgresconn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/millrace-go/millrace/connector"
)

const (
	slotsTable = "millrace_slots"
	// handOver is how long Open waits for the sessions of a reader that died.
	handOver = 15 * time.Second
	// awaitActive is how often it looks.
	awaitActive = 50 * time.Millisecond
)

// slot is what the database keeps of a capture. Its connection holds a lock for as long as
// the capture is open.
type slot struct {
	config ChangesConfig
	table  string
	conn   *pgx.Conn
	state  slotState
}

// slotState is a row of millrace_slots: what is settled.
type slotState struct {
	ready bool
	// rows is how many the copy of the table has; 0 without one.
	rows int64
	// position counts what is settled.
	position int64
	// lsn is the commit of the last change that is settled, and seq which of the changes of
	// its transaction that was, counted from 1, left out ones included.
	lsn pglogrepl.LSN
	seq int64
}

func (s *slot) copyName() string { return "millrace_snapshot_" + s.config.Slot }

// lock keeps other readers of the slot away, and waits for one that is going.
func (s *slot) lock(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, handOver)
	defer cancel()
	_, err := s.conn.Exec(ctx, "SELECT pg_advisory_lock(hashtextextended('millrace slot ' || $1, 0))", s.config.Slot)
	if err != nil {
		return fmt.Errorf("wait for the reader before: %w", err)
	}
	for {
		var active bool
		err := s.conn.QueryRow(ctx, "SELECT count(*) > 0 FROM pg_replication_slots WHERE slot_name = $1 AND active", s.config.Slot).Scan(&active)
		if err != nil || !active {
			return err
		}
		timer := time.NewTimer(awaitActive)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// load reads what is settled, and makes the table for it where it is missing.
func (s *slot) load(ctx context.Context) error {
	_, err := s.conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+slotsTable+" (slot TEXT PRIMARY KEY, ready BOOLEAN NOT NULL DEFAULT false, "+
		"rows BIGINT NOT NULL DEFAULT 0, position BIGINT NOT NULL DEFAULT 0, lsn BIGINT NOT NULL DEFAULT 0, seq BIGINT NOT NULL DEFAULT 0)")
	if err != nil {
		return err
	}
	var lsn int64
	err = s.conn.QueryRow(ctx, "SELECT ready, rows, position, lsn, seq FROM "+slotsTable+" WHERE slot = $1", s.config.Slot).
		Scan(&s.state.ready, &s.state.rows, &s.state.position, &lsn, &s.state.seq)
	s.state.lsn = pglogrepl.LSN(lsn)
	if errors.Is(err, pgx.ErrNoRows) {
		return s.claim(ctx)
	}

	return err
}

// claim notes that the slot is ours to make, and to remove if making it breaks off.
func (s *slot) claim(ctx context.Context) error {
	exists, err := s.exists(ctx)
	if err != nil {
		return err
	}
	if exists {
		return connector.Permanent(fmt.Errorf("the slot %s exists and was not made by millrace: choose another name", s.config.Slot))
	}
	_, err = s.conn.Exec(ctx, "INSERT INTO "+slotsTable+" (slot) VALUES ($1)", s.config.Slot)

	return err
}

func (s *slot) exists(ctx context.Context) (exists bool, err error) {
	err = s.conn.QueryRow(ctx, "SELECT count(*) > 0 FROM pg_replication_slots WHERE slot_name = $1", s.config.Slot).Scan(&exists)

	return exists, err
}

// begin makes publication, slot and copy. Whatever an attempt that broke off has left was
// never read, so it goes.
func (s *slot) begin(ctx context.Context) error {
	if err := s.clear(ctx); err != nil {
		return err
	}
	if name, ours := s.config.publication(); ours {
		_, err := s.conn.Exec(ctx, "CREATE PUBLICATION "+pgx.Identifier{name}.Sanitize()+" FOR TABLE "+s.table)
		if err != nil {
			return fmt.Errorf("publication: %w", err)
		}
	}
	stream, err := s.replication(ctx)
	if err != nil {
		return err
	}
	// The snapshot lasts as long as this connection does nothing else.
	defer func() { _ = stream.Close(context.WithoutCancel(ctx)) }()
	created, err := pglogrepl.CreateReplicationSlot(ctx, stream, s.config.Slot, "pgoutput",
		pglogrepl.CreateReplicationSlotOptions{Mode: pglogrepl.LogicalReplication, SnapshotAction: "EXPORT_SNAPSHOT"})
	if err != nil {
		return fmt.Errorf("create slot: %w", err)
	}

	return s.copyTable(ctx, created.SnapshotName)
}

// copyTable keeps the rows of the snapshot in a table of their own.
func (s *slot) copyTable(ctx context.Context, snapshot string) error {
	return pgx.BeginTxFunc(ctx, s.conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		if !s.config.SkipSnapshot {
			for _, statement := range []string{
				"SET TRANSACTION SNAPSHOT '" + snapshot + "'",
				"CREATE TABLE " + s.copyName() + " AS SELECT row_number() OVER () AS " + numberColumn + ", t.* FROM " + s.table + " t",
				"ALTER TABLE " + s.copyName() + " ADD PRIMARY KEY (" + numberColumn + ")",
			} {
				if _, err := tx.Exec(ctx, statement); err != nil {
					return fmt.Errorf("snapshot: %s: %w", statement, err)
				}
			}
			if err := tx.QueryRow(ctx, "SELECT count(*) FROM "+s.copyName()).Scan(&s.state.rows); err != nil {
				return fmt.Errorf("snapshot: %w", err)
			}
		}
		s.state.ready = true
		_, err := tx.Exec(ctx, "UPDATE "+slotsTable+" SET ready = true, rows = $2 WHERE slot = $1", s.config.Slot, s.state.rows)

		return err
	})
}

// replication opens a connection that speaks the replication protocol.
func (s *slot) replication(ctx context.Context) (*pgconn.PgConn, error) {
	config, err := pgconn.ParseConfig(s.config.Address)
	if err != nil {
		return nil, err
	}
	config.RuntimeParams["replication"] = "database"

	return pgconn.ConnectConfig(ctx, config)
}

// save records what is settled.
func (s *slot) save(ctx context.Context, state slotState) error {
	_, err := s.conn.Exec(ctx, "UPDATE "+slotsTable+" SET position = $2, lsn = $3, seq = $4 WHERE slot = $1",
		s.config.Slot, state.position, int64(state.lsn), state.seq)
	if err != nil {
		return err
	}
	before := s.state.position
	s.state = state
	if state.rows > 0 && before < state.rows && state.position >= state.rows {
		_, err = s.conn.Exec(ctx, "DROP TABLE IF EXISTS "+s.copyName())
	}

	return err
}

// clear removes slot, publication and copy.
func (s *slot) clear(ctx context.Context) error {
	statements := []string{"DROP TABLE IF EXISTS " + s.copyName()}
	if name, ours := s.config.publication(); ours {
		statements = append(statements, "DROP PUBLICATION IF EXISTS "+pgx.Identifier{name}.Sanitize())
	}
	if exists, err := s.exists(ctx); err != nil {
		return err
	} else if exists {
		statements = append(statements, "SELECT pg_drop_replication_slot('"+s.config.Slot+"')")
	}
	for _, statement := range statements {
		if _, err := s.conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}

	return nil
}

func (s *slot) drop(ctx context.Context) error {
	if err := s.load(ctx); err != nil { // a slot that is not ours stays
		return err
	}
	if err := s.clear(ctx); err != nil {
		return err
	}
	_, err := s.conn.Exec(ctx, "DELETE FROM "+slotsTable+" WHERE slot = $1", s.config.Slot)

	return err
}
