package fileconn_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/fileconn"
)

// A real full disk: a file system of 64 KiB.
func TestRealDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("needs the right to mount a small tmpfs: ", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	path := filepath.Join(dir, "out.txt")
	sink := lineSink(t, fileconn.SinkConfig{Path: path, Mode: fileconn.Append})
	batch := slices.Repeat([]string{strings.Repeat("x", 99)}, 50)
	accepted := 0
	for ; accepted < 100; accepted++ {
		err := sink.Write(t.Context(), messages(batch...))
		if err == nil {
			continue
		}
		if !errors.Is(err, syscall.ENOSPC) || connector.ClassOf(err) != connector.ClassTransient {
			t.Fatalf("%v; want a transient ENOSPC", err)
		}

		break
	}
	closed(t, sink)
	text, err := os.ReadFile(path)
	if err != nil || accepted == 0 || accepted == 100 || string(text) != strings.Repeat(batch[0]+"\n", 50*accepted) {
		t.Errorf("%d bytes for %d batches, %v", len(text), accepted, err)
	}
}

// An upload to a real full disk leaves nothing behind and may be repeated.
func TestRealDiskFullUpload(t *testing.T) {
	path := t.TempDir()
	if err := syscall.Mount("tmpfs", path, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("needs the right to mount a small tmpfs: ", err)
	}
	defer func() { do(t, syscall.Unmount(path, 0)) }()
	dir, err := fileconn.OpenDir(path)
	do(t, err)
	defer func() { do(t, dir.Close()) }()
	sink, err := fileconn.Upload(dir, lineFormat(t), fileconn.UploadConfig{Name: "out.txt"})
	do(t, err)
	batch := messages(slices.Repeat([]string{strings.Repeat("x", 99)}, 250)...)
	accepted := 0
	for ; accepted < 10 && err == nil; accepted++ {
		err = sink.Write(t.Context(), batch)
	}
	accepted--
	if !errors.Is(err, syscall.ENOSPC) || connector.ClassOf(err) != connector.ClassTransient {
		t.Errorf("%v; want a transient ENOSPC", err)
	}
	files, err := os.ReadDir(path)
	if err != nil || accepted != 2 || len(files) != accepted {
		t.Errorf("%d files for %d batches, %v", len(files), accepted, err)
	}
}
