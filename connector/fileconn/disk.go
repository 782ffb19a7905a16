package fileconn

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/syncdir"
)

// disk is what a sink asks of the file system.
type disk interface {
	open(path string, flag int) (file, error)
	rename(from, to string) error
	// syncDir makes what was created or renamed in a directory survive a power cut.
	syncDir(dir string) error
}

// file is an open file.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Stat() (fs.FileInfo, error)
	Truncate(size int64) error
	Sync() error
}

var errLocked = errors.New("another sink writes to this path; give each its own")

type osDisk struct{}

const (
	newFileMode = 0o644
	newDirMode  = 0o755
)

func (osDisk) open(path string, flag int) (file, error) {
	f, err := os.OpenFile(path, flag, newFileMode)
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.EISDIR):
		return nil, connector.Permanent(fmt.Errorf("%w; check the path", err))
	default:
		return nil, fmt.Errorf("open: %w", err)
	}
}

func (osDisk) rename(from, to string) error {
	return os.Rename(from, to)
}

func (osDisk) syncDir(dir string) error { return syncdir.Sync(dir) }

// hidden puts a dot before and a suffix behind the file's name.
func hidden(path, suffix string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+suffix)
}
