package queueconn_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/queueconn"
)

const benchBody = 256

// bytesCodec stores bytes as they are.
type bytesCodec struct{}

func (bytesCodec) Append(dst, value []byte) ([]byte, error) { return append(dst, value...), nil }

func (bytesCodec) Decode(data []byte) ([]byte, error) { return append([]byte{}, data...), nil }

func batchOf(n int) []connector.Message[[]byte] {
	messages := make([]connector.Message[[]byte], n)
	for i := range messages {
		messages[i] = connector.NewMessage(make([]byte, benchBody), connector.Fields{ID: fmt.Sprintf("order-%06d", i)})
	}

	return messages
}

// BenchmarkEnqueue compares the durable queue with bbolt itself: one Update for each
// batch, or Batch where there is more than one writer. ns/op is per message.
func BenchmarkEnqueue(b *testing.B) {
	for _, c := range []struct{ batch, writers int }{{1, 1}, {100, 1}, {1, 32}, {100, 32}} {
		name := fmt.Sprintf("batch=%d/writers=%d", c.batch, c.writers)
		b.Run(name+"/bbolt", func(b *testing.B) { enqueueBolt(b, c.batch, c.writers) })
		b.Run(name+"/queue", func(b *testing.B) { enqueueQueue(b, c.batch, c.writers) })
	}
}

func enqueueQueue(b *testing.B, batch, writers int) {
	q, err := queueconn.Open(filepath.Join(b.TempDir(), "q"), bytesCodec{}, queueconn.Config{MaxMessages: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	defer q.Close()
	messages := batchOf(batch)
	spread(b, batch, writers, func() error { return q.Write(context.Background(), messages) })
}

func enqueueBolt(b *testing.B, batch, writers int) {
	db, err := bolt.Open(filepath.Join(b.TempDir(), "q"), 0o600, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket([]byte("q"))

		return err
	}); err != nil {
		b.Fatal(err)
	}
	commit := db.Update
	if writers > 1 {
		commit = db.Batch
	}
	spread(b, batch, writers, func() error {
		return commit(func(tx *bolt.Tx) error { return putSome(tx.Bucket([]byte("q")), batch) })
	})
}

func putSome(bucket *bolt.Bucket, n int) error {
	for range n {
		seq, err := bucket.NextSequence()
		if err != nil {
			return err
		}
		if err := bucket.Put(binary.BigEndian.AppendUint64(nil, seq), make([]byte, benchBody)); err != nil {
			return err
		}
	}

	return nil
}

// spread calls write until b.N messages are written, on the given number of goroutines.
func spread(b *testing.B, batch, writers int, write func() error) {
	b.ReportAllocs()
	b.ResetTimer()
	left := atomic.Int64{}
	left.Store(int64(b.N))
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for left.Add(-int64(batch)) > -int64(batch) {
				if err := write(); err != nil {
					b.Error(err)

					return
				}
			}
		})
	}
	group.Wait()
}

// BenchmarkHop is one message through the queue: Write, Read and Settle in chunks of 128.
func BenchmarkHop(b *testing.B) {
	b.Run("memory", func(b *testing.B) {
		q, err := queueconn.NewMemory[[]byte](queueconn.Config{})
		if err != nil {
			b.Fatal(err)
		}
		hop(b, q)
	})
	b.Run("durable", func(b *testing.B) {
		q, err := queueconn.Open(filepath.Join(b.TempDir(), "q"), bytesCodec{}, queueconn.Config{})
		if err != nil {
			b.Fatal(err)
		}
		hop(b, q)
	})
}

func hop(b *testing.B, q *queueconn.Queue[[]byte]) {
	const chunk = 128
	defer q.Close()
	ctx := context.Background()
	messages := batchOf(chunk)
	settlements := make([]connector.Settlement, chunk)
	reader, err := q.Open(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer reader.Close()
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += chunk {
		if err := q.Write(ctx, messages); err != nil {
			b.Fatal(err)
		}
		got, err := reader.Read(ctx, chunk)
		if err != nil || len(got) != chunk {
			b.Fatal(len(got), err)
		}
		for i, m := range got {
			settlements[i] = connector.Settlement{Position: m.Position(), Outcome: connector.Delivered}
		}
		if err := reader.Settle(ctx, settlements); err != nil {
			b.Fatal(err)
		}
	}
}
