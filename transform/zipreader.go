package transform

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"

	"github.com/millrace-go/millrace/connector"
)

// zipReader reads the entries of an archive one after the other.
type zipReader[T any] struct {
	zipped[T]

	text   io.Reader
	opened bool
	files  []*zip.File // that are still to be read
	total  *zipTotal
	entry  io.ReadCloser
	name   string
	rows   RowReader[T]
	base   int // lines of the entries before
	last   int
	err    error
}

// Read implements [RowReader].
func (r *zipReader[T]) Read() (Row[T], error) {
	if r.err != nil {
		return Row[T]{}, r.err
	}
	row, err := r.next()
	if err != nil && !errors.Is(err, io.EOF) && connector.ClassOf(err) == connector.ClassUnknown {
		if _, ok := errors.AsType[*textError](err); !ok {
			err = connector.Permanent(err)
		}
	}
	r.err = err

	return row, err
}

func (r *zipReader[T]) next() (Row[T], error) {
	if !r.opened {
		r.opened = true
		files, size, err := r.entries(r.text)
		if err != nil {
			return Row[T]{}, err
		}
		r.files, r.total = files, &zipTotal{config: r.config.Inflate, size: size}
	}
	for {
		if r.rows == nil {
			if len(r.files) == 0 {
				return Row[T]{}, r.end()
			}
			if err := r.open(); err != nil {
				return Row[T]{}, err
			}
		}
		row, err := r.rows.Read()
		if err == nil {
			return r.renumbered(row), nil
		}
		closeErr := r.entry.Close()
		if !errors.Is(err, io.EOF) {
			return Row[T]{}, fmt.Errorf("entry %q: %w", r.name, err)
		}
		if closeErr != nil {
			return Row[T]{}, fmt.Errorf("entry %q: %w", r.name, closeErr)
		}
		r.rows = nil
	}
}

// end reads what is left of a text that is read in order, which says whether it may end.
func (r *zipReader[T]) end() error {
	if _, ok := r.text.(RandomAccess); !ok {
		return io.EOF
	}
	var one [1]byte
	random, _ := r.text.(RandomAccess)
	if _, err := random.ReadAt(one[:], random.Size()); err != nil && !errors.Is(err, io.EOF) {
		return &textError{err}
	}

	return io.EOF
}

func (r *zipReader[T]) open() error {
	file := r.files[0]
	r.files = r.files[1:]
	entry, err := file.Open()
	if err != nil {
		return fmt.Errorf("entry %q: %w", file.Name, err)
	}
	r.entry, r.name = entry, file.Name
	r.rows = r.inner.NewReader(&zipEntry{plain: entry, total: r.total})
	r.base += r.last
	r.last = 0

	return nil
}

func (r *zipReader[T]) renumbered(row Row[T]) Row[T] {
	r.last = row.Line
	row.Line += r.base
	if row.Err != nil {
		row.Err = fmt.Errorf("entry %q: %w", r.name, row.Err)
	}

	return row
}

// zipTotal is what came out of all entries.
type zipTotal struct {
	config DecompressConfig
	size   int64 // of the archive
	n      int64
}

// zipEntry is the plain text of an entry, within the bounds of all.
type zipEntry struct {
	plain io.Reader
	total *zipTotal
}

// Read implements io.Reader.
func (e *zipEntry) Read(p []byte) (int, error) {
	n, err := e.plain.Read(p)
	t := e.total
	t.n += int64(n)
	const free = 1 << 20
	switch {
	case t.n > t.config.MaxBytes:
		return 0, connector.Permanent(&connector.LimitError{What: "zip archive's text", Size: t.config.MaxBytes + 1, Limit: t.config.MaxBytes})
	case t.n > free && t.n/int64(t.config.MaxRatio) > t.size:
		return 0, connector.Permanent(fmt.Errorf(
			"the %d bytes of the archive became %d, more than %d times as many; raise MaxRatio if that is meant", t.size, t.n, t.config.MaxRatio))
	case errors.Is(err, zip.ErrChecksum):
		return 0, connector.Permanent(fmt.Errorf("the entry is damaged: %w", err))
	}

	return n, err //nolint:wrapcheck // io.EOF must stay what it is
}
