package boltstore_test

import (
	"path/filepath"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
	"github.com/millrace-go/millrace/internal/disktest"
)

// What the disk does not confirm is not acknowledged.
func TestEveryChangeIsSynced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	s, file := boltstore.OpenWithFile(t, path)
	for range 10 { // until the file has room for one more
		put(t, s, "k", "v", 0)
	}
	disktest.Deafen(t, file)
	if _, err := s.Put(t.Context(), "k", []byte("lost"), connector.Any, 0); connector.ClassOf(err) != connector.ClassAmbiguous {
		t.Errorf("put without a sync: %v, want an ambiguous error", err)
	}
}

// A new file is in its directory for good before anything is accepted.
func TestDirectoryOfANewFileIsSynced(t *testing.T) {
	dir := t.TempDir()
	if !disktest.OpensDir(t, dir, func() { openAt(t, filepath.Join(dir, "s"), boltstore.Config{}) }) {
		t.Error("the directory of a new store was not synced")
	}
}
