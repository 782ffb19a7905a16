package boltcheck

import (
	"encoding/binary"
	"hash/crc32"
)

// NameSize is how many bytes at the front of every value bind it to its place.
const NameSize = 4

// Bind writes to the front of data a checksum of the bucket and the key under which it will
// be stored, so that a flipped bit in a key does not make a record vanish unnoticed.
func Bind(data []byte, bucket string, key []byte) {
	binary.BigEndian.PutUint32(data, name(bucket, key))
}

// Bound reports whether data was bound to the bucket and the key.
func Bound(data []byte, bucket string, key []byte) bool {
	return len(data) >= NameSize && binary.BigEndian.Uint32(data) == name(bucket, key)
}

func name(bucket string, key []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Update(0, table, []byte(bucket))

	return crc32.Update(crc32.Update(sum, table, []byte{0}), table, key)
}
