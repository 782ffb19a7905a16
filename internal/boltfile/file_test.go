package boltfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/boltfile"
)

func config(load func(tx *bolt.Tx) error) boltfile.Config {
	return boltfile.Config{
		Driver: "testconn", LockWait: time.Second, OpenFile: os.OpenFile,
		Buckets: []string{"a", "b"}, Load: load,
		Damaged: func(error) error { return errDamaged },
	}
}

var (
	errDamaged = errors.New("damaged")
	errLoad    = errors.New("load")
)

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	loads := 0
	c := config(func(tx *bolt.Tx) error {
		loads++
		if tx.Bucket([]byte("a")) == nil || tx.Bucket([]byte("b")) == nil {
			t.Error("a bucket is missing")
		}

		return nil
	})
	for range 2 {
		f, err := boltfile.Open(path, c)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.View(func(*bolt.Tx) error { panic("page 7") }); !errors.Is(err, errDamaged) {
			t.Errorf("a panic of bbolt gives %v", err)
		}
		if err := f.DB.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != boltfile.Mode || loads != 2 {
		t.Errorf("%d loads, file %v, %v", loads, info, err)
	}
}

// Whatever fails, the file can be opened afterwards.
func TestOpenFails(t *testing.T) {
	for name, test := range map[string]struct {
		load func(tx *bolt.Tx) error
		want error
	}{
		"load fails": {func(*bolt.Tx) error { return errLoad }, errLoad},
		"damage":     {func(*bolt.Tx) error { panic("page 7") }, errDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			_, err := boltfile.Open(path, config(test.load))
			if !errors.Is(err, test.want) || connector.ClassOf(err) != connector.ClassPermanent ||
				!strings.Contains(err.Error(), "testconn: open "+path) {
				t.Errorf("got %v", err)
			}
			f, err := boltfile.Open(path, config(func(*bolt.Tx) error { return nil }))
			if err != nil {
				t.Fatal(err)
			}
			if err := f.DB.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOpenElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		none := func(*bolt.Tx) error { return nil }
		f, err := boltfile.Open(path, config(none))
		if err != nil {
			t.Fatal(err)
		}
		defer f.DB.Close()
		_, err = boltfile.Open(path, config(none))
		if connector.ClassOf(err) != connector.ClassTransient || !strings.Contains(err.Error(), path+" is open elsewhere, waited 1s") {
			t.Errorf("got %v", err)
		}
	})
}
