package boltcheck

import (
	"bytes"
	"testing"
)

// List checks a file in memory and returns every value, by bucket and key.
func List(data []byte, buckets ...string) (map[string]string, error) {
	all := make(map[string]string)
	err := check(bytes.NewReader(data), int64(len(data)), buckets, func(bucket string, key, value []byte) {
		all[bucket+"/"+string(key)] = string(value)
	})

	return all, err
}

// InUse is the length of the part of a file that bbolt looks at.
func InUse(t testing.TB, data []byte) int64 {
	t.Helper()
	m, err := newestMeta(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}

	return int64(m.end) * m.pageSize
}
