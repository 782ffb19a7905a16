package fileconn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"syscall"

	"github.com/millrace-go/millrace/connector"
)

var _ Uploader = (*Dir)(nil)

// Upload implements [Uploader]: the file is written under a name that begins with a dot,
// synced, and renamed. A crash can leave that file behind.
func (d *Dir) Upload(ctx context.Context, name string, text []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !fs.ValidPath(name) {
		return connector.Permanent(fmt.Errorf("%q is no name in a folder", name))
	}
	temporary := path.Join(path.Dir(name), "."+path.Base(name)+temporary)
	err := d.writeFile(temporary, text)
	if err == nil {
		err = d.move(temporary, name)
	}
	if err != nil {
		return errors.Join(uploadError(err), ignoreAbsent(d.root.Remove(temporary)))
	}
	if err := d.sync(path.Dir(name)); err != nil {
		return connector.Ambiguous(err)
	}

	return nil
}

func (d *Dir) writeFile(name string, text []byte) error {
	file, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, newFileMode)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}

	return errors.Join(err, file.Close())
}

// uploadError gives an error its class.
func uploadError(err error) error {
	switch {
	case errors.Is(err, fs.ErrExist), errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		return connector.Permanent(err)
	case errors.Is(err, syscall.ENOSPC):
		err = fmt.Errorf("%w; make room, nothing is left of this file", err)
	}

	return connector.Transient(err)
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}

	return err
}
