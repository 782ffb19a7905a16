package boltstore_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
)

func Example() {
	dir, err := os.MkdirTemp("", "boltstore")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := boltstore.Open(filepath.Join(dir, "state.db"), boltstore.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	ctx := context.Background()

	// A claim is the right to process a key; confirmed, it is done for good.
	claim, err := store.Claim(ctx, "order-7", time.Minute)
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Confirm(ctx, 24*time.Hour, claim); err != nil {
		log.Fatal(err)
	}
	_, err = store.Claim(ctx, "order-7", time.Minute)
	fmt.Println(err)

	// Entries have versions, for compare-and-set.
	version, err := store.Put(ctx, "checkpoint", []byte("41"), connector.Absent, 0)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := store.Put(ctx, "checkpoint", []byte("42"), version, 0); err != nil {
		log.Fatal(err)
	}
	_, err = store.Put(ctx, "checkpoint", []byte("43"), version, 0)
	fmt.Println(errors.Is(err, connector.ErrConflict))
	// Output:
	// connector: key "order-7" is confirmed already
	// true
}

func ExampleStore_Update() {
	dir, err := os.MkdirTemp("", "boltstore")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := boltstore.Open(filepath.Join(dir, "state.db"), boltstore.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	ctx := context.Background()

	err = store.Update(ctx, func(tx connector.KV) error {
		if _, err := tx.Put(ctx, "saga/1", []byte("booked"), connector.Absent, 0); err != nil {
			return err
		}
		_, err := tx.Put(ctx, "saga/2", []byte("paid"), connector.Absent, 0)

		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	for entry, err := range store.Scan(ctx, "saga/", "saga0") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %s\n", entry.Key, entry.Value)
	}
	// Output:
	// saga/1 booked
	// saga/2 paid
}
