package fileconn

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/millrace-go/millrace/connector"
)

const (
	// chunk is the most messages of one Read.
	chunk = 1024
	// ctxEvery is how many records pass between two looks at the context.
	ctxEvery = 64
)

// reader reads the files of a source one after the other.
type reader[T any] struct {
	source  *Source[T]
	opened  int // files opened so far; the last of them is file
	file    *watched
	records next[T]
	fields  connector.Fields // of the messages of file, but for the offset
	err     error            // what ended the reading
	pieces  pieces[T]
}

// Read implements connector.Reader.
func (r *reader[T]) Read(ctx context.Context, most int) ([]connector.Message[T], error) {
	if most < 1 {
		return nil, connector.Permanent(fmt.Errorf("fileconn: read of at most %d messages; want 1 or more", most))
	}
	if r.err != nil {
		return nil, r.err
	}
	p := r.pieces.take(min(most, chunk))
	n, err := r.fill(ctx, p)

	return r.pieces.handOut(p, n), err
}

// fill reads messages of one file, and returns how many.
func (r *reader[T]) fill(ctx context.Context, p *piece[T]) (n int, err error) {
	for n < len(p.messages) {
		if n%ctxEvery == 0 && ctx.Err() != nil {
			return n, ctx.Err()
		}
		more, err := r.next(ctx, &p.messages[n].Value)
		switch {
		case err != nil:
			r.err = err

			return n, err
		case more:
			p.metas[n] = connector.MakeMeta(r.fields)
			p.messages[n].Meta = &p.metas[n]
			n++
		case r.opened == len(r.source.config.Paths):
			r.err = io.EOF

			return n, io.EOF
		case n > 0:
			return n, nil
		}
	}

	return n, nil
}

// next puts the next record of the current file, or else of the one that follows, into
// value. It reports false at the end of a file.
func (r *reader[T]) next(ctx context.Context, value *T) (bool, error) {
	if r.file == nil {
		if err := r.openFile(); err != nil {
			return false, err
		}
	}
	line, _, err := r.records(value)
	switch {
	case err == nil:
		r.fields.Position.Offset = int64(line)

		return true, nil
	case errors.Is(err, io.EOF):
		return false, r.endFile(ctx)
	default:
		return false, fmt.Errorf("fileconn: %s %s: %w", r.source.kind, r.file.path, err)
	}
}

// endFile leaves a file that was read to its end.
func (r *reader[T]) endFile(ctx context.Context) error {
	if err := r.file.inPlace(ctx); err != nil {
		return fmt.Errorf("fileconn: %s %s: %w", r.source.kind, r.file.path, err)
	}

	return r.Close()
}

// openFile goes on to the next file; after the last it returns io.EOF.
func (r *reader[T]) openFile() error {
	paths := r.source.config.Paths
	if r.opened == len(paths) {
		return io.EOF
	}
	path := paths[r.opened]
	if err := r.source.checkFile(path); err != nil {
		return err
	}
	file, err := watchPath(path, r.source.config.Terminated)
	if err != nil {
		return fmt.Errorf("fileconn: %s: %w", r.source.kind, err)
	}
	r.opened++
	r.file, r.records = file, r.source.records(file)
	r.fields = connector.Fields{
		Position: connector.Position{Partition: r.source.partition(path)},
		Headers:  map[string]string{"file": path},
	}

	return nil
}

// Settle implements connector.Reader. A file keeps no account of what was done; what was
// settled lets memory be used again.
func (r *reader[T]) Settle(_ context.Context, settlements []connector.Settlement) error {
	r.pieces.settle(settlements)

	return nil
}

// Close implements connector.Reader.
func (r *reader[T]) Close() error {
	file := r.file
	r.file = nil
	if file == nil {
		return nil
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("fileconn: %s: %w", r.source.kind, err)
	}

	return nil
}
