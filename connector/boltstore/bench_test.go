package boltstore_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/millrace-go/millrace/connector"
)

// BenchmarkPut compares Put with the two ways in which bbolt itself commits. ns/op is per
// entry of 256 bytes.
func BenchmarkPut(b *testing.B) {
	for _, writers := range []int{1, 32} {
		b.Run(fmt.Sprintf("writers=%d/update", writers), func(b *testing.B) {
			db := bare(b)
			spread(b, writers, func(i int64) error { return db.Update(putBare(i)) })
		})
		b.Run(fmt.Sprintf("writers=%d/batch", writers), func(b *testing.B) {
			db := bare(b)
			spread(b, writers, func(i int64) error { return db.Batch(putBare(i)) })
		})
		b.Run(fmt.Sprintf("writers=%d/store", writers), func(b *testing.B) {
			s, _ := openNew(b)
			spread(b, writers, func(i int64) error {
				_, err := s.Put(context.Background(), fmt.Sprintf("key-%09d", i), make([]byte, 256), connector.Any, 0)

				return err
			})
		})
	}
}

// BenchmarkOnce is what processing a key once costs: Claim and Confirm.
func BenchmarkOnce(b *testing.B) {
	for _, writers := range []int{1, 32} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s, _ := openNew(b)
			spread(b, writers, func(i int64) error {
				c, err := s.Claim(context.Background(), fmt.Sprintf("key-%09d", i), time.Minute)
				if err != nil {
					return err
				}

				return s.Confirm(context.Background(), time.Hour, c)
			})
		})
	}
}

func BenchmarkUpdate(b *testing.B) {
	s, _ := openNew(b)
	spread(b, 32, func(i int64) error {
		return s.Update(context.Background(), func(tx connector.KV) error {
			_, err := tx.Put(context.Background(), fmt.Sprintf("key-%09d", i), make([]byte, 256), connector.Any, 0)

			return err
		})
	})
}

func BenchmarkClaim(b *testing.B) {
	s, _ := openNew(b)
	for b.Loop() {
		c, err := s.Claim(context.Background(), "k", time.Minute)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Release(context.Background(), c); err != nil {
			b.Fatal(err)
		}
	}
}

func bare(b *testing.B) *bolt.DB {
	db, err := bolt.Open(filepath.Join(b.TempDir(), "bare"), 0o600, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	if err := db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket([]byte("b"))

		return err
	}); err != nil {
		b.Fatal(err)
	}

	return db
}

func putBare(i int64) func(tx *bolt.Tx) error {
	return func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("b")).Put(fmt.Appendf(nil, "key-%09d", i), make([]byte, 256))
	}
}

func spread(b *testing.B, writers int, write func(i int64) error) {
	b.ReportAllocs()
	b.ResetTimer()
	var next atomic.Int64
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := write(i); err != nil {
					b.Error(err)

					return
				}
			}
		})
	}
	group.Wait()
}
