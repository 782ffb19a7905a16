package queueconn

import (
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/boltfile"
)

// durable is storage in a file.
type durable[T any] struct {
	*file

	cfg      Config
	codec    connector.Codec[T]
	attempts *attempts
}

func openDurable[T any](
	path string, codec connector.Codec[T], cfg Config, p publish, openFile boltfile.OpenFunc,
) (*durable[T], error) {
	f, err := openBolt(path, cfg, p, openFile)
	if err != nil {
		return nil, err
	}
	a, err := openAttempts(path+".attempts", f.counts.id)
	if err != nil {
		return nil, errors.Join(err, f.DB.Close())
	}

	return &durable[T]{file: f, cfg: cfg, codec: codec, attempts: a}, nil
}

func (d *durable[T]) prepare(m connector.Message[T]) (*parcel[T], error) {
	fields, due, err := parcelFields(m.Meta, d.cfg)
	if err != nil {
		return nil, err
	}
	head, err := encodeFields(fields)
	if err != nil {
		return nil, err
	}
	record, err := d.codec.Append(head, m.Value)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	if size := len(record) - len(head); size > d.cfg.MaxBody {
		return nil, &connector.LimitError{What: "body", Size: int64(size), Limit: int64(d.cfg.MaxBody)}
	}

	return &parcel[T]{entry: entry{due: due}, encoded: seal(record)}, nil
}

func (d *durable[T]) add(ctx context.Context, parcels []*parcel[T]) error {
	return d.commits.do(ctx, func(b *batch) error {
		for _, p := range parcels {
			if err := b.add(p.encoded, p.entry.due); err != nil {
				return err
			}
		}

		return nil
	})
}

func (d *durable[T]) settle(ctx context.Context, c changes) error {
	return d.commits.do(ctx, func(b *batch) error {
		for _, e := range c.done {
			if err := b.take(e); err != nil {
				return err
			}
		}
		for _, r := range c.back {
			s := standing{attempt: r.entry.attempt, spared: r.spared}.delayed(r.due)
			if err := store(b.returns, bucketReturns, key(r.entry.seq), s.encode()); err != nil {
				return fmt.Errorf("return message: %w", err)
			}
		}
		for _, dead := range c.dead {
			if err := b.bury(dead); err != nil {
				return err
			}
		}

		return nil
	})
}

// restore brings the schedule to where the file stands.
func (d *durable[T]) restore(s *schedule) error {
	s.tail, s.live, s.dead = d.counts.tail, int(d.counts.live), int(d.counts.dead)
	var found []*entry
	err := d.View(func(tx *bolt.Tx) error {
		returned := tx.Bucket([]byte(bucketReturns))
		s.head = d.attempts.end
		if last, _ := returned.Cursor().Last(); last != nil {
			s.head = max(s.head, seqOf(last)+1)
		}
		s.head = min(s.head, s.tail)
		cursor := tx.Bucket([]byte(bucketMessages)).Cursor()
		for k, _ := cursor.First(); k != nil && seqOf(k) < s.head; k, _ = cursor.Next() {
			found = append(found, restored(seqOf(k), returned.Get(k)))
		}

		return nil
	})
	if err != nil {
		return fmt.Errorf("queueconn: restore %s: %w", d.path, err)
	}
	if err := d.attempts.restore(found); err != nil {
		return err
	}
	for _, e := range found {
		s.comeBack(e)
	}

	return nil
}

// restored makes the entry of a message that was handed out before. A damaged standing
// costs the message its count and its delay, and nothing else.
func restored(seq int64, data []byte) *entry {
	e := &entry{seq: seq}
	if data == nil {
		return e
	}
	e.stored = true
	if s, err := decodeStanding(data); err == nil {
		e.attempt, e.spared, e.due = s.attempt, s.spared, s.ends()
	}

	return e
}

func (d *durable[T]) note(entries []*entry) (bool, error) { return d.attempts.note(entries) }

func (d *durable[T]) rewrite(entries []*entry) error { return d.attempts.rewrite(entries) }

func (d *durable[T]) close() error {
	if err := errors.Join(d.attempts.close(), d.DB.Close()); err != nil {
		return fmt.Errorf("queueconn: close %s: %w", d.path, err)
	}

	return nil
}
