package sftpconn

import (
	"context"
	"fmt"

	"github.com/pkg/sftp"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/fileconn"
)

// piece is how much is read at once: in packets that are under way together.
const piece = 512 << 10

// Open implements [fileconn.FileSystem].
func (f *Folder) Open(ctx context.Context, name string) (fileconn.File, error) {
	at, err := f.path(name)
	if err != nil {
		return nil, err
	}
	opened := &file{folder: f, name: name}
	err = f.do(ctx, "open", func(client *sftp.Client) error {
		found, err := client.Lstat(at)
		if err != nil {
			return err
		}
		if !found.Mode().IsRegular() {
			return connector.Permanent(fmt.Errorf("%s is not a regular file", name))
		}
		if opened.file, err = client.Open(at); err != nil {
			return err
		}

		return opened.look()
	})
	if err != nil {
		return nil, err
	}
	if opened.link, err = f.links.get(ctx); err != nil {
		return nil, err
	}

	return opened, nil
}

// file is an open file, which is read in large pieces.
type file struct {
	folder *Folder
	name   string
	link   *link
	file   *sftp.File
	info   fileconn.FileInfo // as it was after the last piece
	buffer []byte
	unread []byte
	err    error // that came with the last piece
}

// look asks what the open file is now.
func (f *file) look() error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	f.info = infoOf(info)
	f.info.Name = f.name

	return nil
}

// request runs within the time of one request. The file is of no use when it fails.
func (f *file) request(what string, run func() (int, error)) (int, error) {
	over := f.link.watch(context.Background(), f.folder.config.Timeout)
	defer over()
	n, err := run()
	if err == nil || isEnd(err) {
		if lookErr := f.look(); lookErr != nil {
			err = lookErr
		}
	}
	if err != nil && !isEnd(err) {
		return 0, fmt.Errorf("sftpconn: %s: %w", what, classify(context.Background(), err))
	}

	return n, err
}

// Read implements io.Reader. Each piece costs a look at the file too.
func (f *file) Read(p []byte) (int, error) {
	if len(f.unread) == 0 {
		if f.err != nil && !isEnd(f.err) {
			return 0, f.err
		}
		if f.buffer == nil {
			f.buffer = make([]byte, piece)
		}
		n, err := f.request("read", func() (int, error) { return f.file.Read(f.buffer) })
		f.unread, f.err = f.buffer[:n], err
		if n == 0 {
			return 0, err
		}
	}
	n := copy(p, f.unread)
	f.unread = f.unread[n:]

	return n, nil
}

// ReadAt implements io.ReaderAt.
func (f *file) ReadAt(p []byte, at int64) (int, error) {
	return f.request("read", func() (int, error) { return f.file.ReadAt(p, at) })
}

// Stat implements [fileconn.File]: as the file was after the last piece.
func (f *file) Stat() (fileconn.FileInfo, error) { return f.info, nil }

// Close closes the file.
func (f *file) Close() error {
	over := f.link.watch(context.Background(), f.folder.config.Timeout)
	defer over()
	select {
	case <-f.link.done:
		return nil // the server closed it
	default:
		return classify(context.Background(), f.file.Close())
	}
}
