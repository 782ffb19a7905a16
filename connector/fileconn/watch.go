package fileconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/transform"
)

var _ transform.RandomAccess = (*watched)(nil)

// watched is a file that is read from its start to its end and must stay as it is until
// then (invariant 19).
type watched struct {
	file       File
	path       string
	terminated bool
	opened     FileInfo
	look       func(context.Context) (FileInfo, error) // where the path leads to
	read       int64
	last       byte // of what was read
	block      []byte
	blockAt    int64
}

// watchPath opens a file of this machine to be read.
func watchPath(path string, terminated bool) (*watched, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, connector.Permanent(fmt.Errorf("%w; it was there a moment ago", err))
	}
	w := &watched{path: path, terminated: terminated, look: func(context.Context) (FileInfo, error) {
		info, err := os.Stat(path)
		if err != nil {
			return FileInfo{}, fmt.Errorf("stat: %w", err)
		}

		return localInfo(path, info), nil
	}}
	if err := w.start(localFile{file}); err != nil {
		return nil, err
	}
	if !w.opened.local.Mode().IsRegular() {
		return nil, errors.Join(connector.Permanent(fmt.Errorf("%s is not a regular file any more", path)), file.Close())
	}

	return w, nil
}

// start notes what a file is when it is opened.
func (w *watched) start(file File) error {
	opened, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	w.file, w.opened = file, opened

	return nil
}

// Read reads on. The file is looked at after each time, so nothing is handed out that was
// read after a change, and the end only if there was none. A record without a line end
// waits for that end, so it is not handed out either.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.file.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("byte %d: %w", w.read, err)
	}
	if err := w.unchanged(); err != nil {
		return 0, err
	}
	if n > 0 {
		w.read += int64(n)
		w.last = p[n-1]
	}
	if err == nil {
		return n, nil
	}

	return n, w.end()
}

// ReadAt implements io.ReaderAt, with the same looks at the file. It reads blocks, because
// archives are read in small pieces and a piece may cost a round trip.
func (w *watched) ReadAt(p []byte, at int64) (int, error) {
	n := 0
	for n < len(p) {
		if from := at + int64(n) - w.blockAt; from < 0 || from >= int64(len(w.block)) {
			if err := w.readBlock(at + int64(n)); err != nil {
				return n, err
			}
		}
		n += copy(p[n:], w.block[at+int64(n)-w.blockAt:])
	}

	return n, nil
}

// readBlock reads on from a place, at least one byte.
func (w *watched) readBlock(at int64) error {
	const size = 256 << 10
	block := w.block[:cap(w.block)]
	if len(block) == 0 {
		block = make([]byte, size)
	}
	w.block = block[:0]
	n, err := w.file.ReadAt(block, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("byte %d: %w", at, err)
	}
	w.read = max(w.read, at+int64(n))
	if err := w.unchanged(); err != nil {
		return err
	}
	if w.block, w.blockAt = block[:n], at; n > 0 {
		return nil
	}

	return io.EOF
}

// Size implements [transform.RandomAccess].
func (w *watched) Size() int64 { return w.opened.Size }

// end is io.EOF, if the file may end here.
func (w *watched) end() error {
	if w.read < w.opened.Size {
		return connector.Transient(fmt.Errorf("byte %d: the file ended before its %d bytes; read it again", w.read, w.opened.Size))
	}
	if w.terminated && w.read > 0 && w.last != '\n' {
		return connector.Permanent(fmt.Errorf(
			"byte %d: the file does not end with a line end, so its last record may be cut off; complete it, or have it sent again", w.read))
	}

	return io.EOF
}

// unchanged looks at the open file.
func (w *watched) unchanged() error {
	now, err := w.file.Stat()
	if err != nil {
		return err
	}
	was, is := w.opened.Size, now.Size
	switch {
	case is > was:
		return w.changed(Grew, is)
	case is < was:
		return w.changed(Shrank, is)
	case !now.ModTime.Equal(w.opened.ModTime):
		return w.changed(Rewritten, is)
	default:
		return nil
	}
}

// inPlace looks whether the path still leads to the file. It is asked at the end: what
// stands in the open file is whole in any case.
func (w *watched) inPlace(ctx context.Context) error {
	there, err := w.look(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return w.changed(Removed, w.read)
	case err != nil:
		return err
	case !w.opened.same(there):
		return w.changed(Replaced, w.read)
	case w.opened.unchanged(there):
		return nil
	}
	if err := w.unchanged(); err != nil {
		return err
	}

	return w.changed(Replaced, w.read) // where nothing else tells one file from another
}

func (w *watched) changed(change Change, is int64) error {
	e := &ChangedError{Path: w.path, Change: change, Byte: w.read, Was: w.opened.Size, Is: is}

	return e.classified()
}

// Close closes the file.
func (w *watched) Close() error { return w.file.Close() }
