package queueconn_test

import (
	"path/filepath"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/internal/disktest"
)

// What the disk does not confirm is not acknowledged.
func TestEveryChangeIsSynced(t *testing.T) {
	q, file := queueconn.OpenWithFile(t, filepath.Join(t.TempDir(), "q"), textCodec{})
	for range 10 { // until the file has room for one more
		write(t, q, "a")
	}
	disktest.Deafen(t, file)
	if err := q.Write(t.Context(), messages("lost")); connector.ClassOf(err) != connector.ClassAmbiguous {
		t.Errorf("write without a sync: %v, want an ambiguous error", err)
	}
}

// A new file is in its directory for good before anything is accepted.
func TestDirectoryOfANewFileIsSynced(t *testing.T) {
	dir := t.TempDir()
	if !disktest.OpensDir(t, dir, func() { openAt(t, filepath.Join(dir, "q"), queueconn.Config{}) }) {
		t.Error("the directory of a new queue was not synced")
	}
}
