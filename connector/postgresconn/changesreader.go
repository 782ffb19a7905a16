package postgresconn

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/sqlnames"
)

const (
	mostChunk = 256
	closeTime = 5 * time.Second
	// copyTime bounds the query of a chunk of the copy.
	copyTime = 30 * time.Second
)

// changesReader hands out the copy of the table, and then the stream.
type changesReader[T any] struct {
	changes *Changes[T]
	rows    int64 // of the copy
	end     error

	mu   sync.Mutex // the connection of the slot has one user at a time
	slot *slot
	// position is that of the last message that was handed out.
	position int64
	// open are the messages that are not settled, in order, and ends the commits among them.
	open  []place
	ends  []ending
	stuck bool

	stream *walStream[T]
}

// place is where a message that is not settled stands.
type place struct {
	position int64
	lsn      pglogrepl.LSN
	seq      int64
}

// ending says what the slot may forget once everything up to the position is settled.
type ending struct {
	position int64
	lsn      pglogrepl.LSN
}

func newChangesReader[T any](c *Changes[T], s *slot) *changesReader[T] {
	return &changesReader[T]{changes: c, slot: s, rows: s.state.rows, position: s.state.position}
}

// Read implements connector.Reader.
func (r *changesReader[T]) Read(ctx context.Context, limit int) ([]connector.Message[Change[T]], error) {
	if err := ctx.Err(); err != nil {
		return nil, r.changes.wrap("read", err)
	}
	if r.end != nil {
		return nil, r.end
	}
	limit = max(1, min(limit, mostChunk))
	if r.position < r.rows {
		return r.readCopy(ctx, limit)
	}
	if r.stream == nil {
		if err := r.start(ctx); err != nil {
			return nil, r.changes.wrap("start the stream", err)
		}
	}

	return r.readStream(ctx, limit)
}

func (r *changesReader[T]) start(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	stream, err := startStream(ctx, r.changes, r.slot)
	r.stream = stream

	return err
}

// readCopy reads the rows of the snapshot by their number.
func (r *changesReader[T]) readCopy(ctx context.Context, limit int) ([]connector.Message[Change[T]], error) {
	// A query that is cancelled would take the session with it, and what is settled could
	// not be recorded.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), copyTime)
	defer cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	columns := make([]string, len(r.changes.fields))
	for i, f := range r.changes.fields {
		quoted, err := sqlnames.PostgreSQL.Quote(f.Column)
		if err != nil {
			return nil, connector.Permanent(r.changes.wrap("field "+f.Name, err))
		}
		columns[i] = quoted
	}
	rows, err := r.slot.conn.Query(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE %s > $1 ORDER BY %s LIMIT %d",
		strings.Join(columns, ", "), r.slot.copyName(), numberColumn, numberColumn, limit), r.position)
	if err != nil {
		return nil, r.changes.wrap("read the snapshot", err)
	}
	var messages []connector.Message[Change[T]]
	targets := make([]any, len(columns))
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		value := new(T)
		for i, f := range r.changes.fields {
			targets[i] = reflect.ValueOf(value).Elem().FieldByIndex(f.Index).Addr().Interface()
		}
		messages = append(messages, r.message(Change[T]{Op: Snapshot, After: value}, place{position: r.position + int64(len(messages)) + 1}))

		return struct{}{}, row.Scan(targets...)
	})
	if err != nil {
		return nil, r.changes.wrap("read the snapshot", err)
	}
	if len(messages) == 0 {
		return nil, connector.Permanent(r.changes.wrap("read the snapshot", errors.New("rows of it are missing")))
	}
	for _, m := range messages {
		r.open = append(r.open, place{position: m.Position().Offset})
	}
	r.position += int64(len(messages))

	return messages, nil
}

func (r *changesReader[T]) message(change Change[T], at place) connector.Message[Change[T]] {
	return connector.NewMessage(change, connector.Fields{
		Position: connector.Position{Partition: r.changes.config.Slot, Offset: at.position}, Time: change.Time,
	})
}

// readStream waits for the first change, and takes what is there beside it.
func (r *changesReader[T]) readStream(ctx context.Context, limit int) ([]connector.Message[Change[T]], error) {
	var messages []connector.Message[Change[T]]
	for len(messages) < limit {
		var e event[T]
		if len(messages) > 0 {
			select {
			case e = <-r.stream.events:
			default:
				return messages, nil
			}
		} else {
			select {
			case e = <-r.stream.events:
			case <-ctx.Done():
				return nil, r.changes.wrap("read", ctx.Err())
			}
		}
		if e.err != nil {
			r.end = r.changes.wrap("stream", e.err)
			if len(messages) > 0 {
				return messages, nil
			}

			return nil, r.end
		}
		if m, ok := r.take(e); ok {
			messages = append(messages, m)
		}
	}

	return messages, nil
}

// take numbers a change, or notes an end.
func (r *changesReader[T]) take(e event[T]) (connector.Message[Change[T]], bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.captured == nil {
		r.ends = append(r.ends, ending{r.position, e.end})
		r.forget()

		return connector.Message[Change[T]]{}, false
	}
	r.position++
	at := place{r.position, pglogrepl.LSN(e.captured.change.LSN), e.captured.seq}
	r.open = append(r.open, at)

	return r.message(e.captured.change, at), true
}

// forget tells the slot what it need not keep: what ended before the oldest message that is
// not settled.
func (r *changesReader[T]) forget() {
	var lsn pglogrepl.LSN
	for len(r.ends) > 0 && r.ends[0].position <= r.slot.state.position {
		lsn, r.ends = r.ends[0].lsn, r.ends[1:]
	}
	if lsn > 0 && r.stream != nil {
		r.stream.settled(lsn)
	}
}

// Settle records what is settled, and then lets the slot forget it.
func (r *changesReader[T]) Settle(ctx context.Context, settlements []connector.Settlement) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	state := r.slot.state
	settled := 0
	for _, s := range settlements {
		if !s.Outcome.Done() {
			r.stuck = true
		}
		if r.stuck {
			break
		}
		if settled < len(r.open) && r.open[settled].position == s.Position.Offset {
			at := r.open[settled]
			state.position = at.position
			if at.lsn > 0 {
				state.lsn, state.seq = at.lsn, at.seq
			}
			settled++
		}
	}
	if settled == 0 {
		return nil
	}
	if err := r.slot.save(ctx, state); err != nil {
		return r.changes.wrap("settle", err)
	}
	r.open = r.open[settled:]
	r.forget()

	return nil
}

// Close ends the stream and the session. What was not settled comes again.
func (r *changesReader[T]) Close() error {
	if r.stream != nil {
		r.stream.close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	r.mu.Lock()
	defer r.mu.Unlock()

	return r.changes.wrap("close", r.slot.conn.Close(ctx))
}
