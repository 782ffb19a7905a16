package fileconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/transform"
)

// folderFile is the file of a folder that is being read.
type folderFile[T any] struct {
	source  *FolderSource[T]
	taken   *taken
	file    *watched
	records next[T]
	tally   tally
	line    int64
	from    mark // where handing out begins
	known   bool // the records up to there are those that were done
	marks   []mark
	fields  connector.Fields // of its messages, but for the offset
	broken  error            // why it cannot be opened or read on
	over    bool             // there is nothing more to hand out
	failed  bool
}

func newFolderFile[T any](source *FolderSource[T], t *taken) *folderFile[T] {
	return &folderFile[T]{
		source: source, taken: t, from: t.from, known: t.from.line == 0,
		fields: connector.Fields{
			Position: connector.Position{Partition: t.partition},
			Headers:  map[string]string{"file": t.info.Name},
		},
	}
}

// start opens the file, or opens it again, at its start.
func (f *folderFile[T]) start(ctx context.Context) error {
	name, files := f.taken.info.Name, f.source.files
	f.tally, f.line, f.broken, f.file = tally{}, 0, nil, nil
	file, err := files.Open(ctx, name)
	if errors.Is(err, fs.ErrPermission) {
		f.broken = connector.Permanent(err)

		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	w := &watched{path: name, terminated: f.source.config.Terminated, look: func(ctx context.Context) (FileInfo, error) {
		return files.Stat(ctx, name)
	}}
	if err := w.start(file); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if !w.opened.unchanged(f.taken.info) { // between the look at it and its opening
		return errors.Join(fmt.Errorf("%s: %w", name, w.changed(Rewritten, w.opened.Size)), w.Close())
	}
	f.file, f.records = w, f.source.records(w)

	return nil
}

// next puts the next record into value; false when there was none, because the file is
// over or there is an error.
func (f *folderFile[T]) next(ctx context.Context, value *T) (bool, error) {
	for n := 1; ; n++ {
		if n%ctxEvery == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		line, raw, err := f.read(value)
		if errors.Is(err, io.EOF) {
			err = f.end(ctx)
			if f.over || err != nil {
				return false, f.named(err)
			}

			continue
		}
		if err != nil {
			ok, err := f.fail(ctx, err, value)
			if ok || f.over || err != nil {
				return ok, err
			}

			continue
		}
		f.line = int64(line)
		f.tally.add(raw)
		switch {
		case f.line > f.from.line && f.known:
			f.hand()

			return true, nil
		case f.line == f.from.line && f.tally.sum == f.from.sum:
			f.known = true
		case f.line >= f.from.line:
			if err := f.restart(ctx); err != nil {
				return false, err
			}
		}
	}
}

// end is where the file ends: after what was done of it before, or it is another one.
func (f *folderFile[T]) end(ctx context.Context) error {
	if !f.known {
		return f.restart(ctx)
	}
	err := f.file.inPlace(ctx)
	f.over = err == nil

	return err
}

func (f *folderFile[T]) read(value *T) (int, string, error) {
	if f.broken != nil {
		return 0, "", f.broken
	}

	return f.records(value)
}

// hand notes that the record at the present line is handed out.
func (f *folderFile[T]) hand() {
	f.marks = append(f.marks, mark{line: f.line, sum: f.tally.sum})
	f.fields.Position.Offset = f.line
}

// restart reads the file from its start: it is not the one of which a part was done.
func (f *folderFile[T]) restart(ctx context.Context) error {
	err := f.file.Close()
	f.from, f.known = mark{}, true

	return errors.Join(f.named(err), f.start(ctx))
}

// fail ends a file that cannot be read on. What is wrong with the file itself makes it go
// to quarantine, where there is one, and may be handed out as its last record.
func (f *folderFile[T]) fail(ctx context.Context, err error, value *T) (bool, error) {
	_, changed := errors.AsType[*ChangedError](err)
	err = f.named(err)
	if changed || connector.ClassOf(err) != connector.ClassPermanent || f.source.config.Quarantine == "" {
		return false, err
	}
	f.line++
	if row, ok := errors.AsType[*transform.RowError](err); ok {
		f.line = max(f.line, int64(row.Line))
	}
	if f.line < f.from.line {
		return false, f.restart(ctx)
	}
	f.over, f.failed = true, true
	switch {
	case f.source.failure == nil:
		return false, err
	case f.line == f.from.line:
		return false, nil // it was handed out before
	}
	*value = f.source.failure(err, int(f.line))
	f.hand()

	return true, nil
}

// publish tells the desk what was handed out since the last time.
func (f *folderFile[T]) publish(ctx context.Context, d *desk, ended, failed bool) error {
	marks := f.marks
	f.marks = f.marks[len(f.marks):]

	return d.publish(ctx, f.taken, marks, ended, failed)
}

func (f *folderFile[T]) named(err error) error {
	if err == nil {
		return nil
	}

	return fmt.Errorf("%s: %w", f.taken.info.Name, err)
}

func (f *folderFile[T]) close() error {
	if f.file == nil {
		return nil
	}

	return f.named(f.file.Close())
}
