package boltstore

import (
	"fmt"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"

	"github.com/millrace-go/millrace/connector"
)

// versionBlock is how many versions one durable reservation covers.
const versionBlock = 1 << 16

// versions counts upwards, across restarts too: the file holds a ceiling that no version
// in use exceeds, and counting goes on from that ceiling after a restart.
type versions struct {
	last    atomic.Uint64
	ceiling atomic.Uint64 // durable
}

func (v *versions) load(path string, tx *bolt.Tx) error {
	meta := tx.Bucket([]byte(bucketMeta))
	var stored record
	if data := meta.Get([]byte(bucketMeta)); data != nil {
		var err error
		if stored, err = decode(bucketMeta, bucketMeta, data); err != nil {
			return connector.Permanent(&CorruptError{File: path, Key: "(versions)", Err: err})
		}
	}
	v.last.Store(uint64(stored.version))
	ceiling := uint64(stored.version) + versionBlock
	if err := storeCeiling(meta, ceiling); err != nil {
		return err
	}
	v.ceiling.Store(ceiling)

	return nil
}

// reserved returns the next version if the ceiling allows it. The caller must commit a
// higher ceiling otherwise.
func (v *versions) reserved() (connector.Version, bool) {
	next := v.last.Add(1)

	return connector.Version(next), next <= v.ceiling.Load()
}

func storeCeiling(meta *bolt.Bucket, ceiling uint64) error {
	r := record{version: connector.Version(ceiling)}
	if err := meta.Put([]byte(bucketMeta), r.encode(bucketMeta, bucketMeta)); err != nil {
		return fmt.Errorf("reserve versions: %w", err)
	}

	return nil
}
