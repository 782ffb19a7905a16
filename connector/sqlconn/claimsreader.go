package sqlconn

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/millrace-go/millrace/connector"
)

const (
	// takeGrace is how long a claim that is under way may still take when Read's context
	// ends: what it takes would else stay out of reach until its lease ends.
	takeGrace = 5 * time.Second
	closeTime = 5 * time.Second
)

// claimsReader is one of the competing readers.
type claimsReader[T any] struct {
	claims *Claims[T]

	mu sync.Mutex
	// open has the token of each row that was handed out and not settled.
	open map[connector.Position]int64
}

// Read takes what is due, and waits where there is nothing.
func (r *claimsReader[T]) Read(ctx context.Context, limit int) ([]connector.Message[T], error) {
	limit = max(1, min(limit, mostChunk))
	for {
		if err := ctx.Err(); err != nil {
			return nil, r.wrap("read", err)
		}
		messages, err := r.take(ctx, limit)
		if len(messages) > 0 || err != nil {
			return messages, r.wrap("take", err)
		}
		timer := time.NewTimer(r.claims.config.Poll)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (r *claimsReader[T]) take(ctx context.Context, limit int) ([]connector.Message[T], error) {
	whole, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(takeGrace, cancel)
		context.AfterFunc(whole, func() { timer.Stop() })
	})
	defer stop()
	token := rand.Int64N(1<<62) + 1
	var messages []connector.Message[T]
	var err error
	if r.claims.config.Dialect == MySQL {
		messages, err = r.takeInTwo(whole, token, limit)
	} else {
		messages, err = r.query(whole, r.claims.config.DB, r.claims.sql.take(token, limit), 0)
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(messages, func(a, b connector.Message[T]) int { return cmp.Compare(a.Position().Offset, b.Position().Offset) })
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range messages {
		r.open[m.Position()] = token
	}

	return messages, nil
}

// takeInTwo locks rows and then claims them. Without READ COMMITTED, gaps between the rows
// would be locked too.
func (r *claimsReader[T]) takeInTwo(ctx context.Context, token int64, limit int) ([]connector.Message[T], error) {
	tx, err := r.claims.config.DB.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // after a commit this does nothing
	s := r.claims.sql
	messages, err := r.query(ctx, tx, s.pick(s.columns+", "+attemptColumn, limit), 1)
	if err != nil || len(messages) == 0 {
		return nil, err
	}
	keys := make([]int64, len(messages))
	for i, m := range messages {
		keys[i] = m.Position().Offset
	}
	if _, err := tx.ExecContext(ctx, s.mark(token, keys)); err != nil {
		return nil, err
	}

	return messages, tx.Commit()
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// query reads claimed rows. Their attempt is what is stored and what is added to it.
func (r *claimsReader[T]) query(ctx context.Context, db querier, statement string, add int) ([]connector.Message[T], error) {
	c := r.claims
	rows, err := db.QueryContext(ctx, statement, c.config.Args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // what goes wrong is in rows.Err
	var messages []connector.Message[T]
	targets := make([]any, len(c.fields)+1)
	for rows.Next() {
		var m connector.Message[T]
		var attempt int
		row := reflect.ValueOf(&m.Value).Elem()
		targets[len(c.fields)] = &attempt
		if err := scanRow(rows, c.fields, row, targets); err != nil {
			return nil, connector.Permanent(err)
		}
		key, err := keyOf(row.FieldByIndex(c.key.Index))
		if err != nil {
			return nil, connector.Permanent(fmt.Errorf("the key %s: %w", c.key.Column, err))
		}
		m.Meta = new(connector.MakeMeta(connector.Fields{
			Position: connector.Position{Partition: c.config.Name, Offset: key}, Attempt: attempt + add,
		}))
		messages = append(messages, m)
	}

	return messages, rows.Err()
}

// fate is what rows are settled alike by.
type fate struct {
	token int64
	back  bool
	tried bool
	delay time.Duration
}

// Settle deletes what is done and gives back what is returned, in one transaction. A row
// whose lease was lost to another reader is left alone.
func (r *claimsReader[T]) Settle(ctx context.Context, settlements []connector.Settlement) error {
	groups := make(map[fate][]int64)
	r.mu.Lock()
	for _, s := range settlements {
		token, open := r.open[s.Position]
		if !open {
			continue
		}
		f := fate{token: token, back: !s.Outcome.Done()}
		if f.back {
			f.tried, f.delay = !errors.Is(s.Cause, connector.ErrStopped), s.Delay
		}
		groups[f] = append(groups[f], s.Position.Offset)
	}
	r.mu.Unlock()
	if err := r.execute(ctx, groups); err != nil {
		return r.wrap("settle", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for f, keys := range groups {
		for _, key := range keys {
			position := connector.Position{Partition: r.claims.config.Name, Offset: key}
			if r.open[position] == f.token { // it may have been taken again meanwhile
				delete(r.open, position)
			}
		}
	}

	return nil
}

func (r *claimsReader[T]) execute(ctx context.Context, groups map[fate][]int64) error {
	if len(groups) == 0 {
		return nil
	}
	s := r.claims.sql

	return within(ctx, r.claims.config.DB, nil, func(tx *sql.Tx) error {
		for f, keys := range groups {
			statement := s.done(f.token, keys)
			if f.back {
				statement = s.giveBack(f.token, keys, f.delay, f.tried)
			}
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}

		return nil
	})
}

// Extend implements [connector.Extender].
func (r *claimsReader[T]) Extend(ctx context.Context, positions []connector.Position) error {
	groups := make(map[int64][]int64)
	r.mu.Lock()
	for _, position := range positions {
		if token, open := r.open[position]; open {
			groups[token] = append(groups[token], position.Offset)
		}
	}
	r.mu.Unlock()
	for token, keys := range groups {
		if _, err := r.claims.config.DB.ExecContext(ctx, r.claims.sql.extend(token, keys)); err != nil {
			return r.wrap("extend", err)
		}
	}

	return nil
}

// Close gives back what was handed out and not settled.
func (r *claimsReader[T]) Close() error {
	groups := make(map[fate][]int64)
	r.mu.Lock()
	for position, token := range r.open {
		f := fate{token: token, back: true, tried: true}
		groups[f] = append(groups[f], position.Offset)
	}
	clear(r.open)
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()

	return r.wrap("close", r.execute(ctx, groups))
}

func (r *claimsReader[T]) wrap(what string, err error) error {
	return classified(wrap(err, "sqlconn: claims "+r.claims.config.Name+": "+what))
}
