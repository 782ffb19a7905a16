package queueconn

import (
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/boltcheck"
)

// loadBytes ends a chunk of Read, once it holds a message.
const loadBytes = 16 << 20

var (
	errMissing = errors.New("the record is missing")
	errPlace   = errors.New("the record is that of another message")
)

func (d *durable[T]) load(p pick) ([]loaded[T], error) {
	c := chunk[T]{queue: d, most: len(p.back) + min(p.max, int(p.to-p.from))}
	err := d.View(func(tx *bolt.Tx) error {
		messages := tx.Bucket([]byte(bucketMessages))
		for _, e := range p.back {
			if !c.add(e, new(parcel[T]), messages.Get(key(e.seq))) {
				return nil
			}
		}
		cursor := messages.Cursor()
		for k, data := cursor.Seek(key(p.from)); k != nil && seqOf(k) < p.to; k, data = cursor.Next() {
			p := &parcel[T]{entry: entry{seq: seqOf(k)}}
			if len(c.found) == c.most || !c.add(&p.entry, p, data) {
				return nil
			}
		}

		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("queueconn: read %s: %w", d.path, err)
	}

	return c.found, nil
}

// chunk is what one Read loads.
type chunk[T any] struct {
	queue *durable[T]
	most  int
	size  int
	found []loaded[T]
}

// add returns false, and adds nothing, when the chunk would become too large.
func (c *chunk[T]) add(e *entry, p *parcel[T], data []byte) bool {
	if c.found == nil {
		c.found = make([]loaded[T], 0, c.most)
	}
	c.size += len(data)
	if c.size > loadBytes && len(c.found) > 0 {
		return false
	}
	c.found = append(c.found, loaded[T]{entry: e, parcel: p, err: c.queue.decode(p, e.seq, data)})

	return true
}

// decode fills the parcel. Its error is of one message, which becomes a dead letter.
func (d *durable[T]) decode(p *parcel[T], seq int64, data []byte) error {
	if data == nil {
		return d.recordError(seq, nil, errMissing)
	}
	fields, body, err := decodeFields(data)
	if err == nil && !boltcheck.Bound(data, bucketMessages, key(seq)) {
		err = errPlace
	}
	if err != nil {
		return d.recordError(seq, data, err)
	}
	p.fields = fields
	value, err := d.codec.Decode(body)
	if err != nil {
		return d.recordError(seq, body, err)
	}
	p.value = value

	return nil
}

func (d *durable[T]) recordError(seq int64, raw []byte, err error) error {
	return connector.Permanent(&RecordError{
		File:     d.path,
		Position: connector.Position{Partition: d.cfg.Name, Offset: seq},
		Raw:      append([]byte{}, raw...), Err: err,
	})
}
