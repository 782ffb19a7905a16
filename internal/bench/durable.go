package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/queueconn"
)

const (
	// bodySize is the size of a message in the durable rows, in bytes.
	bodySize = 256
	// callers write at the same time, one message each.
	callers = 32
	// batch is how many messages one caller writes at a time.
	batch = 128
)

// body is what every durable message carries.
var body = func() []byte {
	data := make([]byte, bodySize)
	for i := range data {
		data[i] = byte(i * 7)
	}

	return data
}()

// raw stores bytes as they are.
type raw struct{}

func (raw) Append(dst, value []byte) ([]byte, error) { return append(dst, value...), nil }

func (raw) Decode(data []byte) ([]byte, error) { return append([]byte{}, data...), nil }

// letters are n messages, each with an ID.
func letters(n int) []connector.Message[[]byte] {
	list := make([]connector.Message[[]byte], n)
	for i := range list {
		list[i] = connector.NewMessage(body, connector.Fields{ID: fmt.Sprintf("order-%08d", i)})
	}

	return list
}

func durables() family {
	sole, many, through := "millrace", "millrace", "millrace"
	jet := jetStream(false)
	floors := func(limit string, list ...floor) []floor {
		return append([]floor{ofTheRate(0.8, sole, limit)}, list...)
	}

	return family{
		name: "durable", title: "Durable queues in the process",
		intro: "Messages of 256 bytes, on the same disk, each on it (fsync) before it counts as accepted: millrace's queue on bbolt; " +
			"bbolt by itself, which puts a whole batch in one commit; an embedded NATS server whose JetStream syncs always, asked " +
			"over a connection inside the process; and a table of SQLite with WAL and synchronous=FULL.",
		rows: []row{
			{
				name: "accept, one caller, batches of 128", ours: contestant{sole, acceptBatches}, step: batch, longer: 2, again: 2,
				baseline: contestant{"bbolt, a commit for 128", boltBatches(batch)},
				others:   []contestant{{"SQLite, a transaction for 128", sqliteBatches}},
				floors:   floors("bbolt, a commit for 128"),
			},
			{
				name: "accept, 32 callers, one message each", ours: contestant{many, acceptEach}, step: callers, longer: 2, again: 2,
				baseline: contestant{"bbolt, a commit for 32", boltBatches(callers)},
				others:   []contestant{{"bbolt's Batch, 32 callers", boltEach}, jet, {"SQLite, 32 callers", sqliteEach}},
				floors:   floors("bbolt, a commit for 32", timesFaster(5, many, jet.name)),
			},
			{
				name: "accept, hand out and settle, 32 callers", ours: contestant{through, passEach}, step: callers, longer: 2, again: 2,
				baseline: contestant{"bbolt, a commit for 32", boltThrough},
				others:   []contestant{jetStream(true), {"SQLite, 32 callers", sqliteThrough}},
				floors:   floors("bbolt, a commit for 32", timesFaster(5, through, jet.name)),
			},
		},
	}
}

func openQueue(d *desk) (*queueconn.Queue[[]byte], error) {
	dir, err := d.dir()
	if err != nil {
		return nil, err
	}
	q, err := queueconn.Open(filepath.Join(dir, "queue"), raw{}, queueconn.Config{})
	if err == nil {
		d.after(q.Close)
	}

	return q, err
}

func acceptBatches(d *desk, n int) (job, error) {
	q, err := openQueue(d)
	if err != nil {
		return nil, err
	}
	messages := letters(batch)

	return func() (int, error) {
		for range n / batch {
			if err := q.Write(context.Background(), messages); err != nil {
				return 0, err
			}
		}

		return inQueue(q)
	}, nil
}

func inQueue(q *queueconn.Queue[[]byte]) (int, error) {
	depth, err := q.Depth(context.Background())

	return depth.Ready, err
}

func acceptEach(d *desk, n int) (job, error) {
	q, err := openQueue(d)
	if err != nil {
		return nil, err
	}
	messages := letters(n)

	return func() (int, error) {
		err := spreadOut(n, func(i int) error { return q.Write(context.Background(), messages[i:i+1]) })
		if err != nil {
			return 0, err
		}

		return inQueue(q)
	}, nil
}

// passEach has one reader settle what the callers write.
func passEach(d *desk, n int) (job, error) {
	q, err := openQueue(d)
	if err != nil {
		return nil, err
	}
	messages, ctx := letters(n), context.Background()
	reader, err := q.Open(ctx)
	if err != nil {
		return nil, err
	}
	d.after(reader.Close)

	return func() (int, error) {
		written := make(chan error, 1)
		go func() {
			written <- spreadOut(n, func(i int) error { return q.Write(ctx, messages[i:i+1]) })
		}()
		passed := 0
		for passed < n {
			got, err := reader.Read(ctx, batch)
			if err != nil {
				return passed, err
			}
			settlements := make([]connector.Settlement, len(got))
			for i, m := range got {
				settlements[i] = connector.Settlement{Position: m.Position(), Outcome: connector.Delivered}
			}
			if err := reader.Settle(ctx, settlements); err != nil {
				return passed, err
			}
			passed += len(got)
		}

		return passed, <-written
	}, nil
}

// spreadOut has the callers do n pieces of work, each one at a time.
func spreadOut(n int, work func(i int) error) error {
	var next atomic.Int64
	problems := make([]error, callers)
	var group sync.WaitGroup
	for c := range callers {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && problems[c] == nil; i = next.Add(1) - 1 {
				problems[c] = work(int(i))
			}
		})
	}
	group.Wait()

	return errors.Join(problems...)
}

func key(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }
