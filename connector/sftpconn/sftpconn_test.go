package sftpconn_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/sftpconn"
	"github.com/millrace-go/millrace/transform"
)

func lineFormat(t testing.TB) *transform.Lines {
	t.Helper()
	format, err := transform.NewLines(transform.LinesConfig{})
	do(t, err)

	return format
}

func TestSourceConformance(t *testing.T) {
	s := newServer(t)
	conntest.TestSource(t, conntest.SourceHarness[string]{
		New: func(t testing.TB, values []string) connector.Source[string] {
			dir := s.subdir(t)
			for i := 0; i < len(values); i += 3 {
				text := strings.Join(values[i:min(i+3, len(values))], "\n")
				do(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%06d.txt", i)), []byte(text), 0o600))
			}
			source, err := fileconn.Folder(s.folder(t, func(c *sftpconn.Config) { c.Folder = dir }), lineFormat(t), fileconn.FolderConfig{
				Store: memory.NewStore(), Atomic: true, UntilEmpty: true, Archive: "done",
			})
			do(t, err)

			return source
		},
		Value:   func(i int) string { return fmt.Sprint("line ", i) },
		Resumes: true,
		Wait:    30 * time.Second,
	})
}

func TestSinkConformance(t *testing.T) {
	s := newServer(t)
	conntest.TestSink(t, conntest.SinkHarness[string]{
		New: func(t testing.TB) (connector.Sink[string], func(testing.TB) []string) {
			dir := s.subdir(t)
			sink, err := fileconn.Upload(s.folder(t, func(c *sftpconn.Config) { c.Folder = dir }), lineFormat(t), fileconn.UploadConfig{Name: "out.txt"})
			do(t, err)

			return sink, func(t testing.TB) []string {
				names, err := filepath.Glob(filepath.Join(dir, "*"))
				do(t, err)
				slices.Sort(names)
				var lines []string
				for _, name := range names {
					text, err := os.ReadFile(name)
					do(t, err)
					lines = append(lines, strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")...)
				}

				return lines
			}
		},
		Value: func(i int) string { return fmt.Sprintf("line %06d", i) },
		Bad:   func(i int) string { return fmt.Sprintf("two\nlines %d", i) },
		Wait:  30 * time.Second,
	})
}

// The contract of fileconn.FileSystem and fileconn.Uploader, one sentence after the other.
func TestFolder(t *testing.T) {
	s := newServer(t)
	folder := s.folder(t)
	ctx := t.Context()
	s.put(t, "a.txt", "one\n")
	s.put(t, "b.txt", "two\n")
	do(t, os.Mkdir(filepath.Join(s.dir, "sub"), 0o700), os.Symlink("a.txt", filepath.Join(s.dir, "link")))

	t.Run("list", func(t *testing.T) {
		infos, err := folder.List(ctx, 10)
		if err != nil || len(infos) != 2 || infos[0].Size != 4 || infos[0].ModTime.IsZero() {
			t.Errorf("%+v %v", infos, err)
		}
		if infos, err := folder.List(ctx, 1); err != nil || len(infos) != 1 {
			t.Errorf("%+v %v", infos, err)
		}
	})
	t.Run("what is not there", func(t *testing.T) {
		_, err1 := folder.Stat(ctx, "absent")
		_, err2 := folder.Open(ctx, "absent")
		for _, err := range []error{err1, err2, folder.Remove(ctx, "absent"), folder.Move(ctx, "absent", "x/y")} {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%v; want ErrNotExist", err)
			}
		}
	})
	t.Run("a link is not followed", func(t *testing.T) {
		if _, err := folder.Open(ctx, "link"); err == nil {
			t.Error("opened")
		}
	})
	t.Run("nothing is overwritten", func(t *testing.T) {
		if err := folder.Move(ctx, "a.txt", "b.txt"); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Move: %v; want ErrExist", err)
		}
		if err := folder.Upload(ctx, "b.txt", []byte("new")); !errors.Is(err, fs.ErrExist) || connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("Upload: %v; want ErrExist", err)
		}
		if files := s.tree(t); files["a.txt"] != "one\n" || files["b.txt"] != "two\n" || len(files) != 2 {
			t.Errorf("%q", files)
		}
	})
	t.Run("move, upload, read, remove", func(t *testing.T) {
		do(t, folder.Move(ctx, "a.txt", "done/deep/a.txt"), folder.Upload(ctx, "c.txt", []byte("three\n")))
		file, err := folder.Open(ctx, "c.txt")
		do(t, err)
		text, err := io.ReadAll(file)
		tail := make([]byte, 3)
		_, atErr := file.ReadAt(tail, 3)
		do(t, err, atErr, file.Close(), folder.Remove(ctx, "c.txt"))
		if files := s.tree(t); string(text) != "three\n" || string(tail) != "ee\n" || files["done/deep/a.txt"] != "one\n" || len(files) != 2 {
			t.Errorf("%q %q, left %q", text, tail, files)
		}
	})
	t.Run("names outside of the folder", func(t *testing.T) {
		for _, name := range []string{"../x", "/etc/passwd", "", "a/../../x"} {
			_, err1 := folder.Open(ctx, name)
			_, err2 := folder.Stat(ctx, name)
			for _, err := range []error{err1, err2, folder.Remove(ctx, name), folder.Move(ctx, "b.txt", name), folder.Upload(ctx, name, nil)} {
				if err == nil || connector.ClassOf(err) != connector.ClassPermanent {
					t.Errorf("%q: %v", name, err)
				}
			}
		}
	})
	t.Run("a folder that is not there", func(t *testing.T) {
		absent := s.folder(t, func(c *sftpconn.Config) { c.Folder = "/nowhere" })
		if _, err := absent.List(ctx, 1); !errors.Is(err, fs.ErrNotExist) || absent.CheckHealth(ctx) == nil {
			t.Errorf("%v", err)
		}
		if err := absent.Upload(ctx, "x", nil); connector.ClassOf(err) != connector.ClassPermanent || !strings.Contains(err.Error(), "make the folder") {
			t.Errorf("%v", err)
		}
	})
	t.Run("closed", func(t *testing.T) {
		closed := s.folder(t)
		do(t, closed.Close())
		if _, err := closed.List(ctx, 1); !errors.Is(err, connector.ErrClosed) {
			t.Errorf("%v", err)
		}
	})
}

// A file of many pieces comes whole, and a change is seen.
func TestReadsLargeFiles(t *testing.T) {
	s := newServer(t)
	text := numbered(200_000)
	for _, grow := range []bool{false, true} {
		t.Run(fmt.Sprint("grows ", grow), func(t *testing.T) {
			dir := s.subdir(t)
			path := filepath.Join(dir, "a.txt")
			old := time.Now().Add(-time.Hour)
			do(t, os.WriteFile(path, []byte(text), 0o600), os.Chtimes(path, old, old))
			source, err := fileconn.Folder(s.folder(t, func(c *sftpconn.Config) { c.Folder = dir }), lineFormat(t), fileconn.FolderConfig{
				Store: memory.NewStore(), Atomic: true, UntilEmpty: true, Delete: true,
			})
			do(t, err)
			reader, err := source.Open(t.Context())
			do(t, err)
			n := 0
			for err == nil {
				var messages []connector.Message[string]
				messages, err = reader.Read(t.Context(), 1000)
				for _, m := range messages {
					if m.Value != fmt.Sprintf("line %06d", n) {
						t.Fatalf("line %d is %q", n, m.Value)
					}
					n++
				}
				if grow && n == 1000 {
					do(t, os.WriteFile(path, []byte(text+"more"), 0o600))
				}
			}
			do(t, reader.Close())
			changed, ok := errors.AsType[*fileconn.ChangedError](err)
			if grow && (!ok || changed.Change != fileconn.Grew) || !grow && (!errors.Is(err, io.EOF) || n != 200_000) {
				t.Errorf("%d lines, %v", n, err)
			}
		})
	}
}

// A server that was away is transient, and the next call after it came back works.
func TestReconnects(t *testing.T) {
	s := newServer(t)
	proxy := newProxy(t, s.address)
	folder := s.folder(t, func(c *sftpconn.Config) { c.Address = proxy.address() })
	ctx := t.Context()
	do(t, folder.Upload(ctx, "a", []byte("1")))
	proxy.cut()
	infos, err := folder.List(ctx, 10)
	for range 1000 { // it may still meet the connection that broke
		if connector.ClassOf(err) != connector.ClassTransient {
			break
		}
		infos, err = folder.List(ctx, 10)
	}
	if err != nil || len(infos) != 1 {
		t.Errorf("%v %v", infos, err)
	}
	proxy.stop()
	for range 2 {
		if _, err := folder.List(ctx, 10); connector.ClassOf(err) != connector.ClassTransient {
			t.Errorf("%v; want a transient error", err)
		}
	}
}

// A server that says nothing costs the time limit, and a context that ends not even that.
func TestSilentServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	do(t, err)
	defer listener.Close()
	_, key, err := newKey()
	do(t, err)
	folder, err := sftpconn.New(sftpconn.Config{
		Address: listener.Addr().String(), User: "x", Folder: ".", Timeout: 300 * time.Millisecond,
		Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKey: ssh.FixedHostKey(key.PublicKey()),
	})
	do(t, err)
	if _, err := folder.List(t.Context(), 1); connector.ClassOf(err) != connector.ClassTransient || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := folder.List(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	do(t, folder.Close())
}

// Somebody else's host key, or a key that the server does not know, is permanent.
func TestRefused(t *testing.T) {
	s := newServer(t)
	_, other, err := newKey()
	do(t, err)
	for name, change := range map[string]func(*sftpconn.Config){
		"host key": func(c *sftpconn.Config) { c.HostKey = ssh.FixedHostKey(other.PublicKey()) },
		"log in":   func(c *sftpconn.Config) { c.Auth = []ssh.AuthMethod{ssh.PublicKeys(other)} },
	} {
		if _, err := s.folder(t, change).List(t.Context(), 1); connector.ClassOf(err) != connector.ClassPermanent || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A connection that breaks at any moment of an upload leaves the whole file or none.
func TestUploadIsWholeOrNotThere(t *testing.T) {
	s := newServer(t)
	text := strings.Repeat("0123456789", 100_000)
	seen := map[string]bool{}
	for limit := int64(4_000); limit < 3_000_000; limit = limit*3/2 + 1 {
		proxy := newProxy(t, s.address)
		proxy.cutAfter(limit)
		folder := s.folder(t, func(c *sftpconn.Config) { c.Address = proxy.address() })
		name := fmt.Sprint("file", limit)
		err := folder.Upload(t.Context(), name, []byte(text))
		got, there := s.tree(t)[name]
		switch class := connector.ClassOf(err); {
		case there && got != text:
			t.Errorf("cut after %d bytes: %d of %d bytes under its name", limit, len(got), len(text))
		case err == nil && !there:
			t.Errorf("cut after %d bytes: accepted and not there", limit)
		case err != nil && there && class != connector.ClassAmbiguous:
			t.Errorf("cut after %d bytes: it is there, and the error is %v", limit, err)
		case err != nil && class != connector.ClassTransient && class != connector.ClassAmbiguous:
			t.Errorf("cut after %d bytes: %v", limit, err)
		}
		seen[fmt.Sprint(err == nil)] = true
		do(t, folder.Close())
		proxy.stop()
	}
	if !seen["true"] || !seen["false"] {
		t.Errorf("only one outcome was seen: %v", slices.Collect(maps.Keys(seen)))
	}
}

func TestDefinitionFails(t *testing.T) {
	_, err := sftpconn.New(sftpconn.Config{Timeout: -1})
	for _, want := range []string{"Address", "User", "HostKey", "Folder", "Timeout"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
