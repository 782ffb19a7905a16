package fileconn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/millrace-go/millrace/connector"
)

// folderReader reads the files of a folder one after the other.
type folderReader[T any] struct {
	source *FolderSource[T]
	scout  *scout
	desk   *desk
	open   *folderFile[T] // nil between files
	err    error          // what ended the reading
}

// Read implements connector.Reader. It waits for the first message alone.
func (r *folderReader[T]) Read(ctx context.Context, most int) ([]connector.Message[T], error) {
	if most < 1 {
		return nil, connector.Permanent(fmt.Errorf("fileconn: read of at most %d messages; want 1 or more", most))
	}
	if r.err != nil {
		return nil, r.err
	}
	most = min(most, chunk)
	messages := make([]connector.Message[T], 0, most)
	metas := make([]connector.Meta, most)
	err := r.desk.check(ctx)
	for err == nil && len(messages) < most {
		if len(messages)%ctxEvery == 0 && ctx.Err() != nil {
			err = ctx.Err()

			break
		}
		var message connector.Message[T]
		var ok bool
		meta := &metas[len(messages)]
		if ok, err = r.next(ctx, len(messages) == 0, &message.Value, meta); err == nil && !ok {
			break
		}
		if ok {
			message.Meta = meta
			messages = append(messages, message)
		}
	}
	if r.open != nil {
		err = joined(err, r.open.publish(ctx, r.desk, false, false))
	}
	if err == nil || ends(ctx, err) && ctx.Err() != nil {
		return messages, err
	}
	if !ends(ctx, err) {
		err = r.source.wrap(err)
	}
	r.err = err

	return messages, err
}

// next puts the next record of the open file, or else of the one that comes next, into
// value. It returns false when it would have to wait for a file and must not. A message
// that comes with an error counts.
func (r *folderReader[T]) next(ctx context.Context, wait bool, value *T, meta *connector.Meta) (bool, error) {
	for {
		if r.open == nil {
			ok, err := r.take(ctx, wait)
			if err != nil || !ok {
				return false, err
			}
		}
		file := r.open
		ok, err := file.next(ctx, value)
		if ok {
			*meta = connector.MakeMeta(file.fields)
		}
		if file.over {
			r.open = nil
			err = joined(err, file.publish(ctx, r.desk, true, file.failed), file.close())
			r.keepsInMind(file)
		}
		if ok || err != nil {
			return ok, err
		}
	}
}

// joined adds errors to one that is often io.EOF and should stay just that.
func joined(err error, more ...error) error {
	if other := errors.Join(more...); other != nil {
		return errors.Join(other, err)
	}

	return err
}

// keepsInMind has the scout know at once that a file is done which stays.
func (r *folderReader[T]) keepsInMind(file *folderFile[T]) {
	if !r.desk.holds(file.taken.info.Name) && r.source.config.keeps(file.failed) {
		r.scout.kept[file.taken.info.Name] = file.taken.info.stamp()
	}
}

// take opens the next file.
func (r *folderReader[T]) take(ctx context.Context, wait bool) (bool, error) {
	for {
		info, ok, err := r.scout.candidate(ctx, wait)
		if err != nil || !ok {
			return false, err
		}
		taken, done, err := r.desk.take(ctx, info)
		if err != nil {
			return false, err
		}
		if done && r.source.config.keeps(false) {
			r.scout.kept[info.Name] = info.stamp()
		}
		if taken == nil {
			continue
		}
		file := newFolderFile(r.source, taken)
		err = file.start(ctx)
		if errors.Is(err, fs.ErrNotExist) {
			if err := r.desk.release(ctx, taken); err != nil {
				return false, err
			}

			continue
		}
		if err != nil {
			return false, err
		}
		r.scout.took, r.open = true, file

		return true, nil
	}
}

// Settle implements connector.Reader.
func (r *folderReader[T]) Settle(ctx context.Context, settlements []connector.Settlement) error {
	return r.source.wrap(r.desk.settle(ctx, settlements))
}

// Close implements connector.Reader.
func (r *folderReader[T]) Close() error {
	var err error
	if r.open != nil {
		err = r.open.close()
		r.open = nil
	}

	return r.source.wrap(errors.Join(err, r.desk.close()))
}
