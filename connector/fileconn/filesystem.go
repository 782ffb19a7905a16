package fileconn

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"time"
)

// FileSystem is one folder of files, wherever it is: what a [FolderSource] asks of it.
// Names are relative to the folder, with "/" between their parts, and satisfy
// fs.ValidPath. Methods are safe for concurrent use; a driver never retries. An error for
// a file that is not there wraps fs.ErrNotExist.
type FileSystem interface {
	// String names the folder in errors and metrics. It holds no secret.
	fmt.Stringer

	// List returns the regular files that stand directly in the folder, in any order, but
	// at most limit of them. Links are not followed.
	List(ctx context.Context, limit int) ([]FileInfo, error)
	// Stat describes a file as it is now.
	Stat(ctx context.Context, name string) (FileInfo, error)
	// Open opens a regular file to read it from its start. The context bounds Open alone.
	Open(ctx context.Context, name string) (File, error)
	// Move gives a file another name, in a folder that it makes where it is missing. It
	// returns an error that wraps fs.ErrExist, and changes nothing, when another file has
	// that name. When it returns nil the change is as durable as files are.
	Move(ctx context.Context, from, to string) error
	// Remove removes a file.
	Remove(ctx context.Context, name string) error
}

// File is an open file. It is used by one goroutine.
type File interface {
	io.ReadCloser
	// ReadAt is for formats that do not read from the start to the end, such as zip.
	io.ReaderAt

	// Stat describes the file that is open, whatever its name leads to now. Where it costs
	// a round trip, it may answer with what a look not long ago has shown, but not at the
	// end of the file.
	Stat() (FileInfo, error)
}

// FileInfo is what tells a file from another one, and from itself at another time.
type FileInfo struct {
	Name    string
	Size    int64
	ModTime time.Time
	// Version changes when another file takes the name: an inode, an entity tag. Empty
	// where nothing is known.
	Version string

	local fs.FileInfo
}

// unchanged reports whether nothing shows a change between two looks.
func (i FileInfo) unchanged(other FileInfo) bool {
	return i.Size == other.Size && i.ModTime.Equal(other.ModTime) && i.same(other)
}

// same reports whether nothing shows that these are two files.
func (i FileInfo) same(other FileInfo) bool {
	if i.local != nil && other.local != nil {
		return os.SameFile(i.local, other.local)
	}

	return i.Version == other.Version || i.Version == "" || other.Version == ""
}

// stamp tells files of one name apart over restarts, moves and machines.
func (i FileInfo) stamp() string {
	const base = 36

	return strconv.FormatInt(i.ModTime.UnixNano(), base) + "-" + strconv.FormatInt(i.Size, base)
}

func localInfo(name string, info fs.FileInfo) FileInfo {
	return FileInfo{Name: name, Size: info.Size(), ModTime: info.ModTime(), local: info}
}

// localFile is an open file of this machine.
type localFile struct{ *os.File }

// Stat implements File.
func (f localFile) Stat() (FileInfo, error) {
	info, err := f.File.Stat()
	if err != nil {
		return FileInfo{}, fmt.Errorf("stat: %w", err)
	}

	return localInfo(info.Name(), info), nil
}
