package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/millrace-go/millrace/connector"
)

// Tx is a transaction of either kind of driver.
type Tx interface {
	Exec(ctx context.Context, statement string, args ...any) error
	// Query calls row for each row, with a function that scans it.
	Query(ctx context.Context, row func(scan func(targets ...any) error) error, statement string, args ...any) error
}

// Book is one checkpoint. It is safe for concurrent use.
type Book struct {
	Name       string
	Statements Statements

	mu    sync.Mutex
	epoch int64
	known map[Identity]bool
	// doubt says that a commit may have left marks that are not known.
	doubt bool
}

// errNotBegun is what a sink gets whose source is not read through the checkpoint.
var errNotBegun = errors.New("its source is not open: read the source through Resume of the same checkpoint")

// Begin takes the checkpoint over and returns the positions that are done, by partition.
func (b *Book) Begin(ctx context.Context, tx Tx) (map[string]int64, error) {
	if err := tx.Exec(ctx, b.Statements.Begin, b.Name); err != nil {
		return nil, err
	}
	var epoch int64
	done := make(map[string]int64)
	err := tx.Query(ctx, func(scan func(...any) error) error {
		var part string
		var position int64
		if err := scan(&part, &position); err != nil {
			return err
		}
		if part == "" {
			epoch = position
		} else {
			done[part[1:]] = position
		}

		return nil
	}, b.Statements.Load, b.Name)
	if err != nil {
		return nil, err
	}
	known, err := b.load(ctx, tx)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.epoch, b.known, b.doubt = epoch, known, false

	return done, nil
}

func (b *Book) load(ctx context.Context, tx Tx) (map[Identity]bool, error) {
	known := make(map[Identity]bool)
	err := tx.Query(ctx, func(scan func(...any) error) error {
		var part string
		var data []byte
		if err := scan(&part, &data); err != nil {
			return err
		}

		return decode(data, part[1:], known)
	}, b.Statements.Marks, b.Name)

	return known, err
}

// Doubt notes that a commit may have left marks: before the next rows are written, the
// checkpoint must be begun anew.
func (b *Book) Doubt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.doubt = true
}

// Doubtful reports whether Begin must come before rows are written.
func (b *Book) Doubtful() bool {
	b.mu.Lock()
	defer b.mu.Unlock()

	return b.doubt
}

// Written reports whether the message was written by an earlier run.
func (b *Book) Written(m *connector.Meta) bool {
	b.mu.Lock()
	defer b.mu.Unlock()

	return len(b.known) > 0 && b.known[IdentityOf(m)]
}

// Hold makes sure, for the length of the transaction, that nobody has taken the checkpoint
// over. It must come first in the transaction.
func (b *Book) Hold(ctx context.Context, tx Tx) error {
	b.mu.Lock()
	mine := b.epoch
	b.mu.Unlock()
	if mine == 0 {
		return connector.Permanent(fmt.Errorf("checkpoint %s: %w", b.Name, errNotBegun))
	}
	if b.Statements.Touch != "" {
		if err := tx.Exec(ctx, b.Statements.Touch, b.Name); err != nil {
			return err
		}
	}
	var epoch int64
	err := tx.Query(ctx, func(scan func(...any) error) error { return scan(&epoch) }, b.Statements.Hold, b.Name)
	if err != nil || epoch == mine {
		return err
	}

	return b.fenced(mine, epoch)
}

// fenced tells another process that has taken over from a Begin of this one in between.
func (b *Book) fenced(mine, epoch int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.epoch != mine {
		return connector.Transient(fmt.Errorf("checkpoint %s was begun anew in this process", b.Name))
	}

	return connector.Permanent(fmt.Errorf("checkpoint %s: epoch %d, and %d has begun since: another run has taken over: %w",
		b.Name, mine, epoch, connector.ErrFenced))
}

// Mark records the messages as written.
func (b *Book) Mark(ctx context.Context, tx Tx, written []Identity) error {
	for _, group := range byPartition(written) {
		part, upto := group[0].Position.Partition, group[len(group)-1].Position.Offset
		if err := tx.Exec(ctx, b.Statements.Mark, b.Name, ":"+part, upto, encode(group)); err != nil {
			return fmt.Errorf("mark: %w", err)
		}
	}

	return nil
}

// Advance records that the messages of each partition are done up to the offset.
func (b *Book) Advance(ctx context.Context, tx Tx, done map[string]int64) error {
	if err := b.Hold(ctx, tx); err != nil {
		return err
	}
	for part, offset := range maps.All(done) {
		if err := tx.Exec(ctx, b.Statements.Advance, b.Name, ":"+part, offset); err != nil {
			return fmt.Errorf("advance: %w", err)
		}
		if err := tx.Exec(ctx, b.Statements.Prune, b.Name, ":"+part, offset); err != nil {
			return fmt.Errorf("prune: %w", err)
		}
	}

	return nil
}
