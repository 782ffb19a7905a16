package queueconn_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/transform"
)

func ExampleNewMemory() {
	ctx := context.Background()
	queue, err := queueconn.NewMemory[string](queueconn.Config{Name: "orders"})
	if err != nil {
		log.Fatal(err)
	}
	defer queue.Close()
	err = queue.Write(ctx, []connector.Message[string]{
		connector.NewMessage("two apples", connector.Fields{ID: "order-1"}),
		connector.NewMessage("one pear", connector.Fields{ID: "order-2"}),
	})
	if err != nil {
		log.Fatal(err)
	}

	reader, err := queue.Open(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer reader.Close()
	messages, err := reader.Read(ctx, 10)
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range messages {
		fmt.Println(m.Position(), m.ID(), m.Value)
		err := reader.Settle(ctx, []connector.Settlement{{Position: m.Position(), Outcome: connector.Delivered}})
		if err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// orders:0 order-1 two apples
	// orders:1 order-2 one pear
}

func ExampleOpen() {
	type order struct {
		Customer string `json:"customer"`
		Cents    int    `json:"cents"`
	}
	dir, err := os.MkdirTemp("", "queueconn")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, path := context.Background(), filepath.Join(dir, "orders.queue")

	queue, err := queueconn.Open(path, transform.JSON[order](), queueconn.Config{})
	if err != nil {
		log.Fatal(err)
	}
	// When Write has returned, the order is on disk.
	err = queue.Write(ctx, []connector.Message[order]{
		connector.NewMessage(order{"c-7", 1250}, connector.Fields{ID: "order-1"}),
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := queue.Close(); err != nil {
		log.Fatal(err)
	}

	queue, err = queueconn.Open(path, transform.JSON[order](), queueconn.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer queue.Close()
	reader, err := queue.Open(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer reader.Close()
	messages, err := reader.Read(ctx, 10)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s %+v\n", messages[0].ID(), messages[0].Value)
	// Output:
	// order-1 {Customer:c-7 Cents:1250}
}

func ExampleQueue_Redrive() {
	ctx := context.Background()
	queue, err := queueconn.NewMemory[string](queueconn.Config{MaxAttempts: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer queue.Close()
	err = queue.Write(ctx, []connector.Message[string]{
		connector.NewMessage("two apples", connector.Fields{ID: "order-1"}),
	})
	if err != nil {
		log.Fatal(err)
	}
	reader, err := queue.Open(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer reader.Close()
	messages, err := reader.Read(ctx, 1)
	if err != nil {
		log.Fatal(err)
	}
	err = reader.Settle(ctx, []connector.Settlement{{
		Position: messages[0].Position(), Outcome: connector.Returned, Cause: errors.New("no such customer"),
	}})
	if err != nil {
		log.Fatal(err)
	}

	for letter, err := range queue.Dead(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s after %d attempt: %s\n", letter.ID, letter.Attempt, letter.Cause)
	}
	n, err := queue.Redrive(ctx, "order-1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(n, "redriven")
	// Output:
	// order-1 after 1 attempt: no such customer
	// 1 redriven
}
