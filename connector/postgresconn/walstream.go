package postgresconn

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/millrace-go/millrace/internal/sqlnames"
)

const (
	// statusEvery keeps the server from taking the reader for dead, which it does after a
	// minute by default.
	statusEvery = 10 * time.Second
	// eventsAhead bounds what was received and not read.
	eventsAhead = mostChunk
)

// event is a change, the end of a transaction, or why the stream has ended.
type event[T any] struct {
	captured *captured[T]
	end      pglogrepl.LSN
	err      error
}

// walStream receives changes on one goroutine, and tells the server on another that it
// lives, also while nobody reads.
type walStream[T any] struct {
	conn    *pgconn.PgConn
	events  chan event[T]
	decoder *decoder[T]
	from    slotState

	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu    sync.Mutex // one writer to the connection at a time
	flush pglogrepl.LSN
}

// startStream asks for what comes after the state of the slot.
func startStream[T any](ctx context.Context, c *Changes[T], s *slot) (*walStream[T], error) {
	conn, err := s.replication(ctx)
	if err != nil {
		return nil, err
	}
	name, _ := c.config.publication()
	publication, err := sqlnames.PostgreSQL.Quote(name)
	if err != nil {
		return nil, err
	}
	err = pglogrepl.StartReplication(ctx, conn, s.config.Slot, 0, pglogrepl.StartReplicationOptions{
		PluginArgs: []string{"proto_version '1'", "publication_names '" + publication + "'"},
	})
	if err != nil {
		_ = conn.Close(context.WithoutCancel(ctx)) // the error that counts is there already

		return nil, err
	}
	running, cancel := context.WithCancel(context.Background()) //nolint:gosec // Close calls it
	w := &walStream[T]{
		conn: conn, events: make(chan event[T], eventsAhead), decoder: newDecoder[T](c.fields, c.config.LocalOnly), from: s.state, cancel: cancel,
	}
	w.wg.Go(func() { w.receive(running) })
	w.wg.Go(func() { w.report(running) })

	return w, nil
}

// receive puts events into the channel until something fails.
func (w *walStream[T]) receive(ctx context.Context) {
	for {
		e, err := w.next(ctx)
		if err != nil {
			e = &event[T]{err: err}
		}
		if e == nil {
			continue
		}
		select {
		case w.events <- *e:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// next receives one message of the server; nil for one that tells nothing.
func (w *walStream[T]) next(ctx context.Context) (*event[T], error) {
	message, err := w.conn.ReceiveMessage(ctx)
	if err != nil {
		return nil, fmt.Errorf("receive: %w", err)
	}
	switch message := message.(type) {
	case *pgproto3.ErrorResponse:
		return nil, pgconn.ErrorResponseToPgError(message)
	case *pgproto3.CopyData:
		return w.data(message.Data)
	default:
		return nil, nil
	}
}

func (w *walStream[T]) data(data []byte) (*event[T], error) {
	if len(data) == 0 {
		return nil, nil
	}
	switch data[0] {
	case pglogrepl.PrimaryKeepaliveMessageByteID:
		alive, err := pglogrepl.ParsePrimaryKeepaliveMessage(data[1:])
		if err != nil {
			return nil, err
		}
		if alive.ReplyRequested {
			if err := w.status(); err != nil {
				return nil, err
			}
		}
		if w.decoder.begin != nil {
			return nil, nil // the transaction under way is not over
		}

		return &event[T]{end: alive.ServerWALEnd}, nil
	case pglogrepl.XLogDataByteID:
		entry, err := pglogrepl.ParseXLogData(data[1:])
		if err != nil {
			return nil, err
		}

		return w.entry(entry.WALData)
	default:
		return nil, nil
	}
}

// entry decodes what the plugin wrote, and leaves out what is settled.
func (w *walStream[T]) entry(data []byte) (*event[T], error) {
	change, commit, err := w.decoder.decode(data)
	switch {
	case err != nil:
		return nil, err
	case commit != nil:
		return &event[T]{end: commit.TransactionEndLSN}, nil
	case change == nil || w.isSettled(change):
		return nil, nil
	default:
		return &event[T]{captured: change}, nil
	}
}

// isSettled compares with the last change that was settled when the stream began.
// Transactions come in the order of their commits.
func (w *walStream[T]) isSettled(c *captured[T]) bool {
	lsn := pglogrepl.LSN(c.change.LSN)

	return lsn < w.from.lsn || lsn == w.from.lsn && c.seq <= w.from.seq
}

// settled lets the server forget what ended before the place.
func (w *walStream[T]) settled(lsn pglogrepl.LSN) {
	w.mu.Lock()
	w.flush = max(w.flush, lsn)
	w.mu.Unlock()
	_ = w.status() // where it cannot be sent, receiving fails too
}

// report sends a status from time to time.
func (w *walStream[T]) report(ctx context.Context) {
	ticker := time.NewTicker(statusEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_ = w.status() // as above
		}
	}
}

// status tells the server how far everything is settled, and nothing beyond.
func (w *walStream[T]) status() error {
	w.mu.Lock()
	defer w.mu.Unlock()

	return pglogrepl.SendStandbyStatusUpdate(context.Background(), w.conn, pglogrepl.StandbyStatusUpdate{
		WALWritePosition: w.flush, WALFlushPosition: w.flush, WALApplyPosition: w.flush,
	})
}

func (w *walStream[T]) close() {
	w.cancel()
	w.wg.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	_ = w.conn.Close(ctx) // the server sees the end either way
}
