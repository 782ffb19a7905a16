package disktest

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Deafen makes every later sync of an open file fail, while writes go on to succeed: what
// is written goes nowhere, as on a disk that has lost its medium.
func Deafen(t testing.TB, file *os.File) {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }() // nothing was written
	if err := syscall.Dup3(int(null.Fd()), int(file.Fd()), syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
}

// OpensDir reports whether do opens the directory itself, as one must to sync it.
func OpensDir(t testing.TB, dir string, do func()) bool {
	t.Helper()
	watch, err := syscall.InotifyInit1(syscall.IN_NONBLOCK | syscall.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(watch) }() // it is only read
	if _, err := syscall.InotifyAddWatch(watch, filepath.Clean(dir), syscall.IN_OPEN); err != nil {
		t.Fatal(err)
	}
	do()
	buffer := make([]byte, 64<<10)
	n, err := syscall.Read(watch, buffer)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at+syscall.SizeofInotifyEvent <= n; {
		// An event is the watch, what happened, a cookie, and the length of the name that
		// follows, four bytes each. The directory itself has no name.
		mask := binary.NativeEndian.Uint32(buffer[at+4:])
		name := binary.NativeEndian.Uint32(buffer[at+12:])
		if mask&syscall.IN_ISDIR != 0 && name == 0 {
			return true
		}
		at += syscall.SizeofInotifyEvent + int(name)
	}

	return false
}
