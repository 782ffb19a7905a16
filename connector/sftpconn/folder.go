package sftpconn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/pkg/sftp"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/fileconn"
)

var (
	_ fileconn.FileSystem = (*Folder)(nil)
	_ fileconn.Uploader   = (*Folder)(nil)
)

// Folder is a folder of a server. It is safe for concurrent use.
type Folder struct {
	config Config
	links  links
}

// New checks the config. It does not connect: the first call does, so a server that is
// away for a while does not keep a program from starting.
func New(config Config) (*Folder, error) {
	if err := config.complete(); err != nil {
		return nil, err
	}

	return &Folder{config: config, links: links{config: config}}, nil
}

// String returns user, server and folder.
func (f *Folder) String() string {
	return "sftp://" + f.config.User + "@" + f.config.Address + "/" + strings.TrimPrefix(f.config.Folder, "/")
}

// CheckHealth reports whether the folder can be listed now.
func (f *Folder) CheckHealth(ctx context.Context) error {
	_, err := f.List(ctx, 1)

	return err
}

// Close breaks the connection. No call may follow.
func (f *Folder) Close() error {
	f.links.close()

	return nil
}

// do makes one request.
func (f *Folder) do(ctx context.Context, what string, request func(client *sftp.Client) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l, err := f.links.get(ctx)
	if err == nil {
		over := l.watch(ctx, f.config.Timeout)
		err = classify(ctx, request(l.client))
		over()
	}
	if err != nil {
		return fmt.Errorf("sftpconn: %s: %w", what, err)
	}

	return nil
}

// path is where a name leads to on the server.
func (f *Folder) path(name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", connector.Permanent(fmt.Errorf("sftpconn: %q is no name within the folder", name))
	}

	return path.Join(f.config.Folder, name), nil
}

// List implements [fileconn.FileSystem].
func (f *Folder) List(ctx context.Context, limit int) ([]fileconn.FileInfo, error) {
	var infos []fileconn.FileInfo
	err := f.do(ctx, "list", func(client *sftp.Client) error {
		entries, err := client.ReadDirContext(ctx, f.config.Folder)
		for _, entry := range entries {
			if entry.Mode().IsRegular() && len(infos) < limit {
				infos = append(infos, infoOf(entry))
			}
		}

		return err
	})

	return infos, err
}

func infoOf(info fs.FileInfo) fileconn.FileInfo {
	return fileconn.FileInfo{Name: info.Name(), Size: info.Size(), ModTime: info.ModTime()}
}

// Stat implements [fileconn.FileSystem].
func (f *Folder) Stat(ctx context.Context, name string) (info fileconn.FileInfo, err error) {
	at, err := f.path(name)
	if err != nil {
		return info, err
	}
	err = f.do(ctx, "stat", func(client *sftp.Client) error {
		found, err := client.Lstat(at)
		if err == nil {
			info = infoOf(found)
			info.Name = name
		}

		return err
	})

	return info, err
}

// Move implements [fileconn.FileSystem]. The server renames, which never overwrites.
func (f *Folder) Move(ctx context.Context, from, to string) error {
	source, err1 := f.path(from)
	target, err2 := f.path(to)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}

	return f.do(ctx, "move to "+to, func(client *sftp.Client) error {
		if err := client.MkdirAll(path.Dir(target)); err != nil {
			return err
		}

		return rename(client, source, target)
	})
}

// rename tells why a server refuses: SFTP has one code for every failure.
func rename(client *sftp.Client, from, to string) error {
	err := client.Rename(from, to)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, statErr := client.Lstat(to); statErr == nil {
		return fmt.Errorf("%w: %w", fs.ErrExist, err)
	}

	return err
}

// Remove implements [fileconn.FileSystem].
func (f *Folder) Remove(ctx context.Context, name string) error {
	at, err := f.path(name)
	if err != nil {
		return err
	}

	return f.do(ctx, "remove", func(client *sftp.Client) error { return client.Remove(at) })
}
