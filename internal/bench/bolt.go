package main

import (
	"errors"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
)

var bucket = []byte("queue")

func openBolt(d *desk) (*bolt.DB, error) {
	dir, err := d.dir()
	if err != nil {
		return nil, err
	}
	db, err := bolt.Open(filepath.Join(dir, "queue"), 0o600, &bolt.Options{FreelistType: bolt.FreelistMapType})
	if err != nil {
		return nil, err
	}
	d.after(db.Close)

	return db, db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket(bucket)

		return err
	})
}

func inBolt(db *bolt.DB) (n int, err error) {
	err = db.View(func(tx *bolt.Tx) error {
		n = tx.Bucket(bucket).Stats().KeyN

		return nil
	})

	return n, err
}

func putBodies(n int) func(*bolt.Tx) error {
	return func(tx *bolt.Tx) error {
		b := tx.Bucket(bucket)
		for range n {
			seq, err := b.NextSequence()
			if err != nil {
				return err
			}
			if err := b.Put(key(seq), body); err != nil {
				return err
			}
		}

		return nil
	}
}

// boltBatches puts so many messages in each commit.
func boltBatches(size int) func(d *desk, n int) (job, error) {
	return func(d *desk, n int) (job, error) {
		db, err := openBolt(d)

		return func() (int, error) {
			for range n / size {
				if err := db.Update(putBodies(size)); err != nil {
					return 0, err
				}
			}

			return inBolt(db)
		}, err
	}
}

// boltEach has the callers share commits by bbolt's Batch, which goes on as soon as all
// of them wait.
func boltEach(d *desk, n int) (job, error) {
	db, err := openBolt(d)
	if err != nil {
		return nil, err
	}
	db.MaxBatchSize, db.MaxBatchDelay = callers, time.Millisecond

	return func() (int, error) {
		if err := spreadOut(n, func(int) error { return db.Batch(putBodies(1)) }); err != nil {
			return 0, err
		}

		return inBolt(db)
	}, nil
}

// boltThrough puts 32 messages in a commit, and takes them out in another.
func boltThrough(d *desk, n int) (job, error) {
	db, err := openBolt(d)

	return func() (int, error) {
		passed := 0
		for range n / callers {
			if err := db.Update(putBodies(callers)); err != nil {
				return 0, err
			}
			if err := db.Update(func(tx *bolt.Tx) error {
				cursor := tx.Bucket(bucket).Cursor()
				for k, v := cursor.First(); k != nil; k, v = cursor.Next() {
					if len(v) != bodySize {
						return errors.New("a body is not whole")
					}
					if err := cursor.Delete(); err != nil {
						return err
					}
					passed++
				}

				return nil
			}); err != nil {
				return 0, err
			}
		}

		return passed, nil
	}, err
}
