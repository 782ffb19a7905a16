package blobconn

import (
	"context"
	"crypto/md5" //nolint:gosec // stores compare uploads by it; nothing secret hangs on it
	"errors"
	"fmt"
	"io"
	"io/fs"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/fileconn"
)

// Open implements [fileconn.FileSystem].
func (f *Folder) Open(ctx context.Context, name string) (fileconn.File, error) {
	key, err := f.key(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat(ctx, name)
	if err != nil {
		return nil, err
	}
	reading, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	reader, err := f.bucket.NewReader(reading, key, nil)
	if !stop() && err == nil {
		err = errors.Join(ctx.Err(), reader.Close())
	}
	if err == nil && reader.Size() != info.Size {
		err = errors.Join(connector.Transient(errors.New("the object was replaced while it was opened")), reader.Close())
	}
	if err != nil {
		cancel()

		return nil, wrap(ctx, "open", err)
	}

	return &object{folder: f, key: key, info: info, reader: reader, reading: reading, cancel: cancel}, nil
}

// object is an open object.
type object struct {
	folder  *Folder
	key     string
	info    fileconn.FileInfo
	reader  *blob.Reader
	reading context.Context
	cancel  context.CancelFunc
}

// Read implements io.Reader.
func (o *object) Read(p []byte) (int, error) {
	n, err := o.reader.Read(p)
	if err == nil || errors.Is(err, io.EOF) {
		return n, err //nolint:wrapcheck // io.EOF must stay what it is
	}

	return n, wrap(o.reading, "read", err)
}

// ReadAt implements io.ReaderAt, with one request.
func (o *object) ReadAt(p []byte, at int64) (int, error) {
	if at >= o.info.Size {
		return 0, io.EOF
	}
	part, err := o.folder.bucket.NewRangeReader(o.reading, o.key, at, int64(len(p)), nil)
	if err != nil {
		return 0, wrap(o.reading, "read", err)
	}
	if part.Size() != o.info.Size {
		return 0, errors.Join(connector.Transient(errors.New("blobconn: the object was replaced while it was read")), part.Close())
	}
	n, err := io.ReadFull(part, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	if closeErr := part.Close(); closeErr != nil {
		err = errors.Join(closeErr, err)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = wrap(o.reading, "read", err)
	}

	return n, err
}

// Stat implements [fileconn.File]: what is open does not change.
func (o *object) Stat() (fileconn.FileInfo, error) { return o.info, nil }

// Close ends the reading.
func (o *object) Close() error {
	defer o.cancel()

	return wrap(o.reading, "close", o.reader.Close())
}

// Upload implements [fileconn.Uploader].
func (f *Folder) Upload(ctx context.Context, name string, text []byte) error {
	key, err := f.key(name)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	writing, cancel := context.WithCancel(ctx)
	defer cancel()
	sum := md5.Sum(text) //nolint:gosec // the same
	writer, err := f.bucket.NewWriter(writing, key, &blob.WriterOptions{
		ContentMD5: sum[:], IfNotExist: true, DisableContentTypeDetection: true, ContentType: "application/octet-stream",
	})
	if err != nil {
		return wrap(ctx, "upload", err)
	}
	if _, err := writer.Write(text); err != nil {
		cancel()           // so that Close makes no object of the part that was written,
		_ = writer.Close() // and then fails

		return wrap(ctx, "upload", err)
	}
	if err := writer.Close(); err != nil {
		return uploadError(ctx, err)
	}
	info, err := f.Stat(ctx, name)
	switch {
	case err != nil:
		return connector.Ambiguous(err)
	case info.Size != int64(len(text)):
		return connector.Permanent(fmt.Errorf("blobconn: upload: the store has %d of %d bytes", info.Size, len(text)))
	default:
		return nil
	}
}

// uploadError gives the failure of the last step its class: until it answers, the store
// may have made the object.
func uploadError(ctx context.Context, err error) error {
	switch gcerrors.Code(err) {
	case gcerrors.FailedPrecondition, gcerrors.AlreadyExists:
		return connector.Permanent(fmt.Errorf("blobconn: upload: %w: %w", fs.ErrExist, err))
	case gcerrors.NotFound, gcerrors.PermissionDenied, gcerrors.InvalidArgument, gcerrors.Unimplemented, gcerrors.ResourceExhausted:
		return wrap(ctx, "upload", err)
	default:
		return connector.Ambiguous(wrap(ctx, "upload", err))
	}
}
