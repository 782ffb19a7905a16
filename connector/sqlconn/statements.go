package sqlconn

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/bits"
	"sync"
)

// mostRows is the most rows of one statement. Beyond it a longer statement gains little,
// and what the server has to parse at once grows.
const mostRows = 256

// maxRows is the number of rows of the longest statement: a power of two, so that a few
// prepared statements make up any number of rows.
func maxRows(d Dialect, columns int) int {
	return floorPower(min(mostRows, d.maxParameters()/columns))
}

// floorPower returns the largest power of two up to n, which is at least 1.
func floorPower(n int) int { return 1 << (bits.Len(uint(n)) - 1) }

// statements keeps one prepared INSERT for each number of rows.
type statements struct {
	db     *sql.DB
	insert inserter

	mu       sync.Mutex
	prepared map[int]*sql.Stmt
}

// prepareFor prepares what a batch of so many rows needs. It runs before the transaction
// begins, because it takes a connection of its own.
func (s *statements) prepareFor(ctx context.Context, rows, most int) error {
	for rows > 0 {
		size := floorPower(min(rows, most))
		if err := s.prepare(ctx, size); err != nil {
			return err
		}
		if rows >= most {
			rows %= most
		} else {
			rows -= size
		}
	}

	return nil
}

func (s *statements) prepare(ctx context.Context, rows int) error {
	if s.lookup(rows) != nil {
		return nil
	}
	stmt, err := s.db.PrepareContext(ctx, s.insert.statement(rows))
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	s.keep(rows, stmt)

	return nil
}

func (s *statements) lookup(rows int) *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.prepared[rows]
}

// keep stores stmt, unless another Write prepared the same one meanwhile.
func (s *statements) keep(rows int, stmt *sql.Stmt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.prepared[rows] != nil {
		_ = stmt.Close() // it was never used, and its connection reports its own errors

		return
	}
	s.prepared[rows] = stmt
}

func (s *statements) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := make([]error, 0, len(s.prepared))
	for _, stmt := range s.prepared {
		errs = append(errs, stmt.Close())
	}
	clear(s.prepared)

	return errors.Join(errs...)
}
