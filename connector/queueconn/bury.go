package queueconn

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/millrace-go/millrace/connector"
)

// Dead letters are read, and moved, in chunks that end at whichever comes first.
const (
	deadChunk = 256
	deadBytes = 4 << 20
)

// bury moves a message to the dead letters, its record as it is.
func (b *batch) bury(dead burial) error {
	record := b.messages.Get(key(dead.entry.seq))
	if err := store(b.dead, bucketDead, key(dead.entry.seq), newTomb(dead, record).encode()); err != nil {
		return fmt.Errorf("dead letter: %w", err)
	}
	b.counts.dead++

	return b.take(dead.entry)
}

func (d *durable[T]) buried(ctx context.Context) iter.Seq2[connector.DeadLetter[T], error] {
	return func(yield func(connector.DeadLetter[T], error) bool) {
		for next := int64(0); next >= 0; {
			letters, following, err := d.deadChunk(next)
			next = following
			for _, letter := range letters {
				if err := ctx.Err(); err != nil {
					yield(connector.DeadLetter[T]{}, err)

					return
				}
				if !yield(letter, nil) {
					return
				}
			}
			if err != nil {
				yield(connector.DeadLetter[T]{}, err)

				return
			}
		}
	}
}

// deadChunk reads dead letters; next is negative at the end.
func (d *durable[T]) deadChunk(from int64) (letters []connector.DeadLetter[T], next int64, err error) {
	next = -1
	err = d.View(func(tx *bolt.Tx) error {
		size := 0
		cursor := tx.Bucket([]byte(bucketDead)).Cursor()
		for k, data := cursor.Seek(key(from)); k != nil; k, data = cursor.Next() {
			if len(letters) == deadChunk || size > deadBytes {
				next = seqOf(k)

				return nil
			}
			size += len(data)
			letters = append(letters, d.letter(seqOf(k), data))
		}

		return nil
	})
	if err != nil {
		err = fmt.Errorf("queueconn: read dead letters of %s: %w", d.path, err)
	}

	return letters, next, err
}

// letter reads a dead letter, whatever state it is in.
func (d *durable[T]) letter(seq int64, data []byte) connector.DeadLetter[T] {
	t, err := decodeTomb(data)
	if err != nil {
		err = d.recordError(seq, data, err)

		return connector.DeadLetter[T]{
			ID: d.position(seq), Stage: d.cfg.Name, Cause: err.Error(), Err: err,
			Class: connector.ClassPermanent.String(),
		}
	}
	var p parcel[T]
	err = d.decode(&p, seq, t.record)
	letter := connector.DeadLetter[T]{
		ID: p.fields.ID, Stage: d.cfg.Name, Cause: t.cause, Class: t.class,
		Attempt: t.attempt, Value: p.value, Headers: p.fields.Headers, Err: err,
	}
	if letter.ID == "" {
		letter.ID = d.position(seq)
	}
	if err == nil {
		letter.Err = errors.New(t.cause)
	}

	return letter
}

func (d *durable[T]) position(seq int64) string {
	return connector.Position{Partition: d.cfg.Name, Offset: seq}.String()
}

func (d *durable[T]) unbury(ctx context.Context, from int64, ids wanted, discard bool) (n int, next int64, err error) {
	err = d.commits.do(ctx, func(b *batch) error {
		n, next = 0, -1
		keys, following := d.choose(b, from, ids)
		next = following
		for _, k := range keys {
			if err := b.exhume(k, discard); err != nil {
				return err
			}
			n++
		}

		return nil
	})

	return n, next, err
}

// choose lists the wanted ones among the dead letters of a chunk.
func (d *durable[T]) choose(b *batch, from int64, ids wanted) (keys [][]byte, next int64) {
	size, seen := 0, 0
	cursor := b.dead.Cursor()
	for k, data := cursor.Seek(key(from)); k != nil; k, data = cursor.Next() {
		if seen == deadChunk || size > deadBytes {
			return keys, seqOf(k)
		}
		seen, size = seen+1, size+len(data)
		if ids.takes(d.deadID(seqOf(k), data)) {
			keys = append(keys, append([]byte{}, k...))
		}
	}

	return keys, -1
}

func (d *durable[T]) deadID(seq int64, data []byte) string {
	if t, err := decodeTomb(data); err == nil {
		if fields, _, err := decodeFields(t.record); err == nil {
			return fields.ID
		}
	}

	return d.position(seq)
}

// exhume takes one dead letter out: back into the queue, or away. One that is damaged
// goes back as it is, and dies again when it is read.
func (b *batch) exhume(k []byte, discard bool) error {
	if !discard {
		data := b.dead.Get(k)
		record := data
		if t, err := decodeTomb(data); err == nil {
			record = t.record
		}
		if err := b.add(append([]byte{}, record...), time.Time{}); err != nil {
			return err
		}
	}
	if err := b.dead.Delete(k); err != nil {
		return fmt.Errorf("dead letter: %w", err)
	}
	b.counts.dead--

	return nil
}
