package postgresconn_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/postgresconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

type order struct {
	ID       int64
	Customer string
	Total    transform.Money
	Note     *string // NULL where it is nil
}

// Orders are upserted by COPY, and what the database refuses is told apart.
func ExampleCopy() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "postgres://postgres@127.0.0.1:5432/test")
	if err != nil {
		fmt.Println(err)

		return
	}
	defer pool.Close()

	orders, err := postgresconn.NewCopy[order](postgresconn.CopyConfig{
		Pool: pool, Table: "shop.orders", OnConflict: postgresconn.Update, Key: []string{"id"},
	})
	if err != nil {
		fmt.Println(err)

		return
	}
	err = orders.Write(ctx, []connector.Message[order]{
		{Value: order{ID: 1, Customer: "Ada", Total: transform.MoneyFromTenThousandths(125_000)}},
		{Value: order{ID: 2}}, // the table wants a customer
	})
	if partial, ok := errors.AsType[*connector.PartialError](err); ok {
		for i, member := range partial.Members {
			fmt.Println(i, member.Fate, member.Err)
		}
	}
}

// Rows and checkpoint go into one transaction: each order has its row exactly once, however
// often the program dies.
func ExampleCheckpoint() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "postgres://postgres@127.0.0.1:5432/test")
	if err != nil {
		fmt.Println(err)

		return
	}
	defer pool.Close()

	done, err := postgresconn.NewCheckpoint(postgresconn.CheckpointConfig{Pool: pool, Name: "orders"})
	if err != nil {
		fmt.Println(err)

		return
	}
	sink, err := postgresconn.NewCopy[order](postgresconn.CopyConfig{Pool: pool, Table: "orders", Checkpoint: done})
	if err != nil {
		fmt.Println(err)

		return
	}
	source := memory.NewSource[order]() // or a file, a query with a Key, a stream of changes
	source.Declare(connector.Capabilities{Name: "orders"})
	source.Send(order{ID: 1, Customer: "Ada"})

	orders := flow.From(done.Resume(source)).Batch(1000, time.Second).To(sink)
	if err := flow.New("orders", orders).Run(ctx); err != nil {
		fmt.Println(err)
	}
}

// Every change of a table goes into a log of it, exactly once.
func ExampleChanges() {
	ctx := context.Background()
	const address = "postgres://postgres@127.0.0.1:5432/test"
	pool, err := pgxpool.New(ctx, address)
	if err != nil {
		fmt.Println(err)

		return
	}
	defer pool.Close()

	changes, err := postgresconn.NewChanges[order](postgresconn.ChangesConfig{
		Address: address, Table: "orders", Slot: "orders_log",
	})
	if err != nil {
		fmt.Println(err)

		return
	}
	done, err := postgresconn.NewCheckpoint(postgresconn.CheckpointConfig{Pool: pool, Name: "orders_log"})
	if err != nil {
		fmt.Println(err)

		return
	}
	type entry struct {
		What string
		Row  *order // NULL where it was deleted; a column of type jsonb
	}
	log, err := postgresconn.NewCopy[entry](postgresconn.CopyConfig{Pool: pool, Table: "orders_log", Checkpoint: done})
	if err != nil {
		fmt.Println(err)

		return
	}
	entries := flow.From(done.Resume(changes)).Map(flow.Pure(func(c postgresconn.Change[order]) entry {
		return entry{What: c.Op.String(), Row: c.After}
	}))
	if err := flow.New("orders-log", entries.Batch(1000, time.Second).To(log)).Run(ctx); err != nil {
		fmt.Println(err)
	}
}
