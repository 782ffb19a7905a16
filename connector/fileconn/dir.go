package fileconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/millrace-go/millrace/connector"
)

// Dir is a directory of this machine as a [FileSystem]. No name and no symbolic link
// leads out of it (os.Root). It is safe for concurrent use.
type Dir struct {
	name string
	root *os.Root
}

// OpenDir opens a directory. Close it when nothing uses it any more.
func OpenDir(name string) (*Dir, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, connector.Permanent(fmt.Errorf("fileconn: %w; check the path and the directory the program runs in", err))
	}

	return &Dir{name: name, root: root}, nil
}

// String returns the path as it was given.
func (d *Dir) String() string { return d.name }

// Close releases the directory.
func (d *Dir) Close() error {
	if err := d.root.Close(); err != nil {
		return fmt.Errorf("fileconn: %w", err)
	}

	return nil
}

// List implements [FileSystem]. A file that vanishes meanwhile is left out.
func (d *Dir) List(ctx context.Context, limit int) ([]FileInfo, error) {
	dir, err := d.root.Open(".")
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	var infos []FileInfo
	for err == nil && len(infos) < limit {
		const batch = 256
		var entries []fs.DirEntry
		entries, err = dir.ReadDir(batch)
		infos = appendRegular(infos, entries, limit)
		if ctx.Err() != nil {
			err = ctx.Err()
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}

	return infos, errors.Join(err, dir.Close())
}

func appendRegular(infos []FileInfo, entries []fs.DirEntry, limit int) []FileInfo {
	for _, entry := range entries {
		if !entry.Type().IsRegular() || len(infos) == limit {
			continue
		}
		if info, err := entry.Info(); err == nil {
			infos = append(infos, localInfo(entry.Name(), info))
		}
	}

	return infos
}

// Stat implements [FileSystem]. It does not follow links.
func (d *Dir) Stat(_ context.Context, name string) (FileInfo, error) {
	info, err := d.root.Lstat(name)
	if err != nil {
		return FileInfo{}, fmt.Errorf("stat: %w", err)
	}

	return localInfo(name, info), nil
}

// Open implements [FileSystem].
func (d *Dir) Open(_ context.Context, name string) (File, error) {
	file, err := d.root.OpenFile(name, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = connector.Permanent(fmt.Errorf("%s is not a regular file", name))
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}

	return localFile{file}, nil
}

// Move implements [FileSystem]. Where the file system has hard links, nothing comes
// between the look at the new name and its use.
func (d *Dir) Move(_ context.Context, from, to string) error {
	if err := d.root.MkdirAll(path.Dir(to), newDirMode); err != nil {
		return fmt.Errorf("move: %w", err)
	}
	if err := d.move(from, to); err != nil {
		return fmt.Errorf("move: %w", err)
	}

	return errors.Join(d.sync(path.Dir(to)), d.sync(path.Dir(from)))
}

func (d *Dir) move(from, to string) error {
	err := d.root.Link(from, to)
	switch {
	case err == nil:
		return d.root.Remove(from)
	case errors.Is(err, fs.ErrNotExist):
		return err
	}
	there, statErr := d.root.Lstat(to)
	if statErr != nil { // nothing has that name, so it is links that the file system lacks
		return d.root.Rename(from, to)
	}
	if here, err := d.root.Lstat(from); err == nil && os.SameFile(here, there) {
		return d.root.Remove(from) // an earlier call came this far
	}

	return fmt.Errorf("%s: %w", to, fs.ErrExist)
}

// Remove implements [FileSystem].
func (d *Dir) Remove(_ context.Context, name string) error {
	if err := d.root.Remove(name); err != nil {
		return fmt.Errorf("remove: %w", err)
	}

	return d.sync(path.Dir(name))
}

// sync makes the entries of a directory durable, where the system can.
func (d *Dir) sync(dir string) error {
	if !syncsDirs {
		return nil
	}
	opened, err := d.root.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := errors.Join(opened.Sync(), opened.Close()); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}

	return nil
}
