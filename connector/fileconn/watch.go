package fileconn

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/millrace-go/millrace/connector"
)

// watched is a file that is read from its start to its end and must stay as it is until
// then (invariant 19).
type watched struct {
	*os.File

	path       string
	terminated bool
	opened     fs.FileInfo
	read       int64
	last       byte // of what was read
}

// watch opens a file to be read.
func watch(path string, terminated bool) (*watched, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, connector.Permanent(fmt.Errorf("%w; it was there a moment ago", err))
	}
	opened, err := file.Stat()
	switch {
	case err != nil:
		err = fmt.Errorf("stat: %w", err)
	case !opened.Mode().IsRegular():
		err = connector.Permanent(fmt.Errorf("%s is not a regular file any more", path))
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}

	return &watched{File: file, path: path, terminated: terminated, opened: opened}, nil
}

// Read reads on. The file is looked at after each time, so nothing is handed out that was
// read after a change, and the end only if there was none. A record without a line end
// waits for that end, so it is not handed out either.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.File.Read(p)
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
	if err != nil && w.terminated && w.read > 0 && w.last != '\n' {
		return 0, connector.Permanent(fmt.Errorf(
			"byte %d: the file does not end with a line end, so its last record may be cut off; complete it, or have it sent again", w.read))
	}

	return n, err
}

// unchanged looks at the open file.
func (w *watched) unchanged() error {
	now, err := w.Stat()
	if err != nil {
		return fmt.Errorf("stat: %w", err)
	}
	was, is := w.opened.Size(), now.Size()
	switch {
	case is > was:
		return w.changed(Grew, is)
	case is < was:
		return w.changed(Shrank, is)
	case !now.ModTime().Equal(w.opened.ModTime()):
		return w.changed(Rewritten, is)
	default:
		return nil
	}
}

// inPlace looks whether the path still leads to the file. It is asked at the end: what
// stands in the open file is whole in any case.
func (w *watched) inPlace() error {
	there, err := os.Stat(w.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return w.changed(Removed, w.read)
	case err != nil:
		return fmt.Errorf("stat: %w", err)
	case !os.SameFile(w.opened, there):
		return w.changed(Replaced, w.read)
	default:
		return nil
	}
}

func (w *watched) changed(change Change, is int64) error {
	e := &ChangedError{Path: w.path, Change: change, Byte: w.read, Was: w.opened.Size(), Is: is}

	return e.classified()
}
