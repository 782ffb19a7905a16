package boltcheck_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/millrace-go/millrace/internal/boltcheck"
)

const pageSize = 512

var buckets = []string{"large", "small", "none"}

// sample makes a file with a bucket of several pages, one inside its element and an empty
// one, free pages, and a value that overflows.
func sample(t testing.TB, records int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	db, err := bolt.Open(path, 0o600, &bolt.Options{PageSize: pageSize, NoSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		err := db.Update(func(tx *bolt.Tx) error {
			for _, name := range buckets {
				if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
					return err
				}
			}
			put(t, tx, "small", "only", "value")
			for i := range records {
				put(t, tx, "large", fmt.Sprintf("key %03d", i*3+round), strings.Repeat("v", i))
			}
			put(t, tx, "large", "long", strings.Repeat("l", 2*pageSize))

			return tx.Bucket([]byte("large")).Delete([]byte("key 000"))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	return path
}

func put(t testing.TB, tx *bolt.Tx, bucket, key, value string) {
	t.Helper()
	data := append(make([]byte, boltcheck.NameSize), value...)
	boltcheck.Bind(data, bucket, []byte(key))
	if err := tx.Bucket([]byte(bucket)).Put([]byte(key), data); err != nil {
		t.Fatal(err)
	}
}

func content(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}

	return data
}

// read returns every value of a file, by bucket and key, as bbolt finds it by its key.
func read(t testing.TB, path string) map[string]string {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := make(map[string]string)
	err = db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			return b.ForEach(func(key, _ []byte) error {
				all[string(name)+"/"+string(key)] = string(b.Get(key))

				return nil
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}

	return all
}

func TestGoodFiles(t *testing.T) {
	for _, records := range []int{0, 1, 20, 200} {
		if err := boltcheck.File(sample(t, records), buckets...); err != nil {
			t.Errorf("%d records: %v", records, err)
		}
	}
	path := filepath.Join(t.TempDir(), "new")
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := boltcheck.File(path, buckets...); err != nil {
		t.Errorf("a new file: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := boltcheck.File(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there passes")
	}
}

// Random use leaves nothing that the check objects to.
func TestUsedFiles(t *testing.T) {
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 0))
		path := sample(t, 20)
		db, err := bolt.Open(path, 0o600, &bolt.Options{PageSize: pageSize, NoSync: true, FreelistType: bolt.FreelistMapType})
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			err := db.Update(func(tx *bolt.Tx) error {
				for range random.IntN(100) {
					key := fmt.Sprint("key ", random.IntN(2000))
					if random.IntN(2) == 0 {
						put(t, tx, "large", key, strings.Repeat("x", random.IntN(700)))
					} else if err := tx.Bucket([]byte("large")).Delete([]byte(key)); err != nil {
						return err
					}
				}

				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := boltcheck.File(path, buckets...); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEveryBit flips every bit of the pages in use. What the check lets pass changes one
// value at most, which the record's own checksum is for.
func TestEveryBit(t *testing.T) {
	path := sample(t, 4)
	good, want := content(t, path), read(t, path)
	good = good[:boltcheck.InUse(t, good)]
	passed, inValues := 0, 0
	for bit := range 8 * len(good) {
		good[bit/8] ^= 1 << (bit % 8)
		if got, err := boltcheck.List(good, buckets...); err == nil {
			passed++
			if !maps.Equal(got, want) {
				inValues++
				wantKeys(t, bit, got, want)
			}
			if bit%101 == 0 { // opening a file takes long
				write(t, path, good)
				wantKeys(t, bit, read(t, path), got)
			}
		}
		good[bit/8] ^= 1 << (bit % 8)
	}
	t.Logf("of %d bits %d are noticed, %d are in values, %d mean nothing",
		8*len(good), 8*len(good)-passed, inValues, passed-inValues)
	if inValues == 0 || passed == 8*len(good) {
		t.Error("the sample shows nothing")
	}
}

func wantKeys(t testing.TB, bit int, got, want map[string]string) {
	t.Helper()
	if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) {
		t.Errorf("bit %d changes the keys to %q", bit, slices.Sorted(maps.Keys(got)))
	}
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestEveryLength cuts the file at every length.
func TestEveryLength(t *testing.T) {
	path := sample(t, 12)
	good, want := content(t, path), read(t, path)
	for n := range good {
		if _, err := boltcheck.List(good[:n], buckets...); err != nil || n%pageSize != 0 {
			continue // bbolt reads whole pages
		}
		write(t, path, good[:n])
		if got := read(t, path); !maps.Equal(got, want) {
			t.Fatalf("cut to %d of %d bytes it reads %q", n, len(good), got)
		}
	}
}

func TestBuckets(t *testing.T) {
	path := sample(t, 1)
	for _, test := range []struct {
		names []string
		want  string
	}{
		{buckets[:2], `bucket "none" is unknown`},
		{append([]string{"more"}, buckets...), `bucket "more" is missing`},
	} {
		if err := boltcheck.File(path, test.names...); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got %v, want %s", test.names, err, test.want)
		}
	}
}

// FuzzCheck gives the check anything at all: it must not panic, nor take long.
func FuzzCheck(f *testing.F) {
	good := content(f, sample(f, 2))
	f.Add(good[:2*pageSize])
	f.Add([]byte{})
	f.Add(good)
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = boltcheck.List(data, buckets...) })
}

func BenchmarkFile(b *testing.B) {
	path := sample(b, 200)
	b.SetBytes(int64(len(content(b, path))))
	for b.Loop() {
		if err := boltcheck.File(path, buckets...); err != nil {
			b.Fatal(err)
		}
	}
}
