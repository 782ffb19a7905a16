package boltstore

import (
	"encoding/binary"
	"fmt"

	"github.com/millrace-go/millrace/internal/boltcheck"
)

// sweepLeast is how many expired records a commit removes at least, if there are as many.
// It removes two more for each one that it adds with an end of life, so the expired ones
// become fewer however fast they are written.
const sweepLeast = 32

const (
	kindEntry   = 'e'
	kindConfirm = 'c'
	indexHeader = 8 + 1
)

// indexKey orders records by their end of life.
func indexKey(expires int64, bucket, key string) []byte {
	kind := byte(kindEntry)
	if bucket == bucketConfirmed {
		kind = kindConfirm
	}
	data := make([]byte, 0, indexHeader+len(key))
	data = binary.BigEndian.AppendUint64(data, uint64(expires))
	data = append(data, kind)

	return append(data, key...)
}

// indexRecord returns the key and value of an entry of the index.
func indexRecord(expires int64, bucket, key string) (index, value []byte) {
	index, value = indexKey(expires, bucket, key), make([]byte, boltcheck.NameSize)
	boltcheck.Bind(value, bucketExpiry, index)

	return index, value
}

func parseIndexKey(data []byte) (expires int64, bucket, key string, ok bool) {
	if len(data) <= indexHeader {
		return 0, "", "", false
	}
	bucket = bucketEntries
	if data[indexHeader-1] == kindConfirm {
		bucket = bucketConfirmed
	}

	return int64(binary.BigEndian.Uint64(data)), bucket, string(data[indexHeader:]), true
}

// sweep removes a bounded number of expired records.
func (w *writer) sweep() error {
	limit := sweepLeast + 2*w.expiring
	due := make([][]byte, 0, sweepLeast)
	cursor := w.expiry.Cursor()
	for k, _ := cursor.First(); k != nil && len(due) < limit; k, _ = cursor.Next() {
		if expires, _, _, ok := parseIndexKey(k); ok && expires > w.now.UnixNano() {
			break
		}
		due = append(due, append([]byte{}, k...))
	}
	for _, k := range due {
		if err := w.sweepOne(k); err != nil {
			return err
		}
	}

	return nil
}

// sweepOne removes an index entry, and its record if that is what the index says. A
// damaged record stays, so that reading it gives an error.
func (w *writer) sweepOne(index []byte) error {
	if err := w.expiry.Delete(index); err != nil {
		return fmt.Errorf("sweep index: %w", err)
	}
	expires, bucket, key, ok := parseIndexKey(index)
	if !ok {
		return nil
	}
	b := w.bucket(bucket)
	r, err := decode(bucket, key, b.Get([]byte(key)))
	if err != nil || r.expires != expires {
		return nil //nolint:nilerr // a damaged record is kept on purpose
	}
	if err := b.Delete([]byte(key)); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}

	return nil
}
