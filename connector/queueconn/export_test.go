package queueconn

import (
	"bytes"
	"os"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/boltfile"
)

// FlipBit flips one bit of the first message whose record ends in this body, in a closed
// queue.
func FlipBit(t testing.TB, path, body string) {
	t.Helper()
	db, err := bolt.Open(path, boltfile.Mode, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	found := false
	err = db.Update(func(tx *bolt.Tx) error {
		cursor := tx.Bucket([]byte(bucketMessages)).Cursor()
		for k, data := cursor.First(); k != nil; k, data = cursor.Next() {
			if !bytes.HasSuffix(data, []byte(body)) {
				continue
			}
			found = true
			flipped := bytes.Clone(data)
			flipped[len(flipped)-len(body)] ^= 1

			return tx.Bucket([]byte(bucketMessages)).Put(bytes.Clone(k), flipped)
		}

		return nil
	})
	if err != nil || !found {
		t.Fatal(found, err)
	}
}

// OpenBreakable opens a queue and returns a function after which every write to its file
// fails.
func OpenBreakable[T any](t testing.TB, path string, codec connector.Codec[T]) (*Queue[T], func()) {
	t.Helper()
	q, file := OpenWithFile(t, path, codec)

	return q, func() {
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// OpenWithFile opens a queue and returns its file as well.
func OpenWithFile[T any](t testing.TB, path string, codec connector.Codec[T]) (*Queue[T], *os.File) {
	t.Helper()
	var file *os.File
	q, err := open(path, codec, Config{}, func(path string, flag int, mode os.FileMode) (*os.File, error) {
		var err error
		file, err = os.OpenFile(path, flag, mode)

		return file, err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close() }) // its file may be closed already

	return q, file
}

// HoldCommits keeps a durable queue from committing until the function that it returns is
// called.
func HoldCommits[T any](q *Queue[T]) (release func()) {
	lead := q.storage.(*durable[T]).commits.Lead
	lead <- struct{}{}

	return func() { <-lead }
}
