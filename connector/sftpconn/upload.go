package sftpconn

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/pkg/sftp"

	"github.com/millrace-go/millrace/connector"
)

// Upload implements [fileconn.Uploader], as the package page says. A connection that breaks
// can leave the file with the dot behind.
func (f *Folder) Upload(ctx context.Context, name string, text []byte) error {
	target, err := f.path(name)
	if err != nil {
		return err
	}
	temporary := path.Join(path.Dir(target), "."+path.Base(target)+".tmp")
	if err := f.do(ctx, "write "+temporary, func(client *sftp.Client) error {
		return f.write(client, temporary, text)
	}); err != nil {
		return errors.Join(absentIsPermanent(err), f.discard(ctx, temporary))
	}
	err = f.do(ctx, "rename "+temporary, func(client *sftp.Client) error { return rename(client, temporary, target) })
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		return errors.Join(connector.Permanent(err), f.discard(ctx, temporary))
	case isStatus(err):
		return errors.Join(err, f.discard(ctx, temporary)) // the server says that it did not
	default:
		return connector.Ambiguous(err)
	}
}

// write makes a file that is not there yet, and checks it.
func (f *Folder) write(client *sftp.Client, name string, text []byte) error {
	file, err := client.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	_, err = file.ReadFrom(bytes.NewReader(text))
	if _, can := client.HasExtension("fsync@openssh.com"); err == nil && can {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	info, err := client.Lstat(name)
	if err != nil {
		return err
	}
	if info.Size() != int64(len(text)) {
		return fmt.Errorf("the server has %d of %d bytes", info.Size(), len(text))
	}
	if f.config.SkipReadBack {
		return nil
	}

	return readBack(client, name, text)
}

// readBack compares what the server has with what was sent.
func readBack(client *sftp.Client, name string, text []byte) error {
	file, err := client.Open(name)
	if err != nil {
		return err
	}
	hash := sha256.New()
	_, err = io.Copy(hash, file)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	if want := sha256.Sum256(text); !bytes.Equal(hash.Sum(nil), want[:]) {
		return errors.New("the server has other bytes than those that were sent")
	}

	return nil
}

// discard removes what an upload that failed has left, as far as the server can be reached.
func (f *Folder) discard(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := f.do(ctx, "remove "+name, func(client *sftp.Client) error { return client.Remove(name) })
	if err == nil || errors.Is(err, fs.ErrNotExist) || !isStatus(err) {
		return nil // what cannot be reached cannot be removed, and the upload failed already
	}

	return err
}

// absentIsPermanent says of a folder that is not there that waiting does not help.
func absentIsPermanent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return connector.Permanent(fmt.Errorf("%w; make the folder", err))
	}

	return err
}

// isStatus reports whether the server answered with a failure, rather than not at all.
func isStatus(err error) bool {
	_, ok := errors.AsType[*sftp.StatusError](err)

	return ok || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist)
}
