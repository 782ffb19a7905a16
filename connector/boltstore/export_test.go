package boltstore

import (
	"os"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/millrace-go/millrace/internal/boltfile"
)

// CountRecords counts what a closed store holds, expired or not, and how many ends of life
// are in its index.
func CountRecords(t testing.TB, path string) (records, indexed int) {
	t.Helper()
	withDB(t, path, func(tx *bolt.Tx) {
		records = tx.Bucket([]byte(bucketEntries)).Stats().KeyN + tx.Bucket([]byte(bucketConfirmed)).Stats().KeyN
		indexed = tx.Bucket([]byte(bucketExpiry)).Stats().KeyN
	})

	return records, indexed
}

// FlipBits flips one bit in the value of each key, in a closed store.
func FlipBits(t testing.TB, path string, keys ...string) {
	t.Helper()
	withDB(t, path, func(tx *bolt.Tx) {
		for _, key := range keys {
			for _, name := range [...]string{bucketEntries, bucketConfirmed} {
				b := tx.Bucket([]byte(name))
				data := b.Get([]byte(key))
				if data == nil {
					continue
				}
				flipped := append([]byte{}, data...)
				flipped[len(flipped)-1] ^= 1
				if err := b.Put([]byte(key), flipped); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func withDB(t testing.TB, path string, fn func(tx *bolt.Tx)) {
	t.Helper()
	db, err := bolt.Open(path, boltfile.Mode, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(func(tx *bolt.Tx) error {
		fn(tx)

		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// OpenBreakable opens a store and returns a function after which every write to its file
// fails.
func OpenBreakable(t testing.TB, path string) (*Store, func()) {
	t.Helper()
	s, file := OpenWithFile(t, path)

	return s, func() {
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// OpenWithFile opens a store and returns its file as well.
func OpenWithFile(t testing.TB, path string) (*Store, *os.File) {
	t.Helper()
	var file *os.File
	s, err := open(path, Config{}, func(path string, flag int, mode os.FileMode) (*os.File, error) {
		var err error
		file, err = os.OpenFile(path, flag, mode)

		return file, err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // its file may be closed already

	return s, file
}

// FuzzDecode checks that no bytes make the decoder of records panic, and that what it
// accepts encodes to the same bytes.
func FuzzDecode(f *testing.F) {
	f.Add("k", record{version: 1, value: []byte("v")}.encode(bucketEntries, "k"))
	f.Add("", []byte{})
	f.Fuzz(func(t *testing.T, key string, data []byte) {
		r, err := decode(bucketEntries, key, data)
		if err == nil && string(r.encode(bucketEntries, key)) != string(data) {
			t.Errorf("%x decodes to %+v", data, r)
		}
	})
}

// FuzzParseIndexKey does the same for the index of ends of life.
func FuzzParseIndexKey(f *testing.F) {
	f.Add(indexKey(1, bucketEntries, "k"))
	f.Fuzz(func(t *testing.T, data []byte) {
		expires, bucket, key, ok := parseIndexKey(data)
		if !ok || (data[8] != kindEntry && data[8] != kindConfirm) {
			return
		}
		if again := indexKey(expires, bucket, key); string(again) != string(data) {
			t.Errorf("%x becomes %x", data, again)
		}
	})
}
