package blobconn

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/fileconn"
)

// Config says which objects are the folder.
type Config struct {
	// Name stands for the bucket in errors and metrics, and in the keys of a store. It must
	// hold no secret. Required.
	Name string
	// Prefix is what the keys of the folder's objects begin with: "in/". Default: none, the
	// whole bucket. It must end with "/".
	Prefix string
}

// Folder is the objects of a bucket that share a prefix. It is safe for concurrent use.
type Folder struct {
	bucket *blob.Bucket
	config Config
}

var (
	_ fileconn.FileSystem = (*Folder)(nil)
	_ fileconn.Uploader   = (*Folder)(nil)
)

// New returns a folder of a bucket, which stays yours to close when nothing uses it any
// more.
func New(bucket *blob.Bucket, config Config) (*Folder, error) {
	var errs []error
	if bucket == nil {
		errs = append(errs, errors.New("blobconn: the bucket is nil"))
	}
	if config.Name == "" {
		errs = append(errs, errors.New("blobconn: Config.Name is empty; name the bucket"))
	}
	if p := config.Prefix; p != "" && (!strings.HasSuffix(p, "/") || !fs.ValidPath(strings.TrimSuffix(p, "/"))) {
		errs = append(errs, fmt.Errorf("blobconn: Config.Prefix is %q; want a folder such as \"in/\"", p))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, connector.Permanent(err)
	}

	return &Folder{bucket: bucket, config: config}, nil
}

// String returns the name of the bucket and the prefix.
func (f *Folder) String() string {
	return strings.TrimSuffix(f.config.Name+"/"+f.config.Prefix, "/")
}

// CheckHealth reports whether the bucket can be reached now.
func (f *Folder) CheckHealth(ctx context.Context) error {
	ok, err := f.bucket.IsAccessible(ctx)
	if err == nil && !ok {
		err = connector.Permanent(errors.New("there is no such bucket, or no permission"))
	}

	return wrap(ctx, "check", err)
}

// key is that of the object with a name.
func (f *Folder) key(name string) (string, error) {
	if !fs.ValidPath(name) || name == "." {
		return "", connector.Permanent(fmt.Errorf("blobconn: %q is no name within the folder", name))
	}

	return f.config.Prefix + name, nil
}

// List implements [fileconn.FileSystem].
func (f *Folder) List(ctx context.Context, limit int) ([]fileconn.FileInfo, error) {
	var infos []fileconn.FileInfo
	objects := f.bucket.List(&blob.ListOptions{Prefix: f.config.Prefix, Delimiter: "/"})
	for len(infos) < limit {
		object, err := objects.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, wrap(ctx, "list", err)
		}
		if name := strings.TrimPrefix(object.Key, f.config.Prefix); !object.IsDir && name != "" {
			infos = append(infos, infoOf(name, object.Size, object.ModTime, object.MD5))
		}
	}

	return infos, nil
}

// infoOf leaves out parts of seconds, which stores give in some answers and not in others.
func infoOf(name string, size int64, at time.Time, md5 []byte) fileconn.FileInfo {
	return fileconn.FileInfo{Name: name, Size: size, ModTime: at.Truncate(time.Second), Version: hex.EncodeToString(md5)}
}

// Stat implements [fileconn.FileSystem].
func (f *Folder) Stat(ctx context.Context, name string) (fileconn.FileInfo, error) {
	key, err := f.key(name)
	if err != nil {
		return fileconn.FileInfo{}, err
	}
	attributes, err := f.bucket.Attributes(ctx, key)
	if err != nil {
		return fileconn.FileInfo{}, wrap(ctx, "stat", err)
	}

	return infoOf(name, attributes.Size, attributes.ModTime, attributes.MD5), nil
}

// Move implements [fileconn.FileSystem].
func (f *Folder) Move(ctx context.Context, from, to string) error {
	source, err1 := f.key(from)
	target, err2 := f.key(to)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	here, err := f.Stat(ctx, from)
	if err != nil {
		return err
	}
	there, err := f.Stat(ctx, to)
	switch {
	case err == nil && (there.Version == "" || there.Version != here.Version || there.Size != here.Size):
		return fmt.Errorf("blobconn: move: %s: %w", to, fs.ErrExist)
	case err == nil: // the same bytes: an earlier call came this far
	case errors.Is(err, fs.ErrNotExist):
		if err := f.bucket.Copy(ctx, target, source, nil); err != nil {
			return wrap(ctx, "copy to "+path.Dir(to), err)
		}
	default:
		return err
	}

	return f.Remove(ctx, from)
}

// Remove implements [fileconn.FileSystem].
func (f *Folder) Remove(ctx context.Context, name string) error {
	key, err := f.key(name)
	if err != nil {
		return err
	}

	return wrap(ctx, "remove", f.bucket.Delete(ctx, key))
}

// wrap gives an error its class.
func wrap(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	switch code := gcerrors.Code(err); {
	case ctx.Err() != nil:
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	case code == gcerrors.NotFound:
		err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case code == gcerrors.PermissionDenied, code == gcerrors.InvalidArgument, code == gcerrors.Unimplemented:
		err = connector.Permanent(err)
	case connector.ClassOf(err) == connector.ClassUnknown:
		err = connector.Transient(err)
	}

	return fmt.Errorf("blobconn: %s: %w", what, err)
}
