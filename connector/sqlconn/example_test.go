package sqlconn_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/sqlconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

// openDatabase stands for sql.Open with the driver of your database.
func openDatabase() *sql.DB {
	return sql.OpenDB(&fake{
		width:   2,
		columns: []string{"id", "full_name"},
		data:    [][]driver.Value{{int64(7), "Ada"}, {int64(9), "Grace"}},
		refuse: func(row []driver.Value) error {
			if row[1] == "" {
				return stateError("23502")
			}

			return nil
		},
	})
}

func ExampleQuery() {
	type Customer struct {
		ID   int64
		Name string `sql:"full_name"`
	}
	db := openDatabase()
	defer db.Close()

	customers, err := sqlconn.NewQuery[Customer](sqlconn.QueryConfig{
		DB:   db,
		Name: "customers",
		SQL:  "SELECT id, full_name FROM customers WHERE region = $1 ORDER BY id",
		Args: []any{"north"},
		Key:  "id",
	})
	if err != nil {
		fmt.Println(err)

		return
	}
	ctx := context.Background()
	reader, err := customers.Open(ctx)
	if err != nil {
		fmt.Println(err)

		return
	}
	defer reader.Close()
	for {
		messages, err := reader.Read(ctx, 100)
		for _, m := range messages {
			fmt.Println(m.Position(), m.Value.Name)
		}
		if errors.Is(err, io.EOF) {
			return
		}
	}
	// Output:
	// customers:7 Ada
	// customers:9 Grace
}

func ExampleTable() {
	type Customer struct {
		ID   int64
		Name string `sql:"full_name"`
	}
	db := openDatabase()
	defer db.Close()

	table, err := sqlconn.NewTable[Customer](sqlconn.TableConfig{
		DB:         db,
		Table:      "crm.customers",
		Dialect:    sqlconn.PostgreSQL,
		OnConflict: sqlconn.Update,
		Key:        []string{"id"},
	})
	if err != nil {
		fmt.Println(err)

		return
	}
	err = table.Write(context.Background(), []connector.Message[Customer]{
		{Value: Customer{ID: 7, Name: "Ada"}},
		{Value: Customer{ID: 8}}, // full_name must not be empty
		{Value: Customer{ID: 9, Name: "Grace"}},
	})
	if partial, ok := errors.AsType[*connector.PartialError](err); ok {
		for i, member := range partial.Members {
			fmt.Println(i, member.Fate, connector.ClassOf(member.Err))
		}
	}
	// Output:
	// 0 accepted unknown
	// 1 failed permanent
	// 2 accepted unknown
}

// Rows and checkpoint go into one transaction: each customer has its row exactly once,
// however often the program dies.
func ExampleCheckpoint() {
	type Customer struct {
		ID   int64
		Name string `sql:"full_name"`
	}
	from, to := openDatabase(), openDatabase()
	defer from.Close()
	defer to.Close()

	customers, err := sqlconn.NewPages[Customer](sqlconn.PagesConfig{
		DB: from, Dialect: sqlconn.PostgreSQL, Name: "customers", Table: "crm.customers", Key: "id",
	})
	if err != nil {
		fmt.Println(err)

		return
	}
	done, err := sqlconn.NewCheckpoint(sqlconn.CheckpointConfig{DB: to, Dialect: sqlconn.PostgreSQL, Name: "customers"})
	if err != nil {
		fmt.Println(err)

		return
	}
	copied, err := sqlconn.NewTable[Customer](sqlconn.TableConfig{
		DB: to, Table: "customers", Dialect: sqlconn.PostgreSQL, Checkpoint: done,
	})
	if err != nil {
		fmt.Println(err)

		return
	}
	flow.New("copy", flow.From(done.Resume(customers)).Batch(500, time.Second).To(copied))
}

// An order and the message about it are committed together, or neither is.
func ExampleOutbox() {
	type OrderPlaced struct{ ID int64 }
	ctx := context.Background()
	db := openDatabase()
	defer db.Close()

	outbox, err := sqlconn.NewOutbox(sqlconn.OutboxConfig[OrderPlaced]{
		DB: db, Dialect: sqlconn.PostgreSQL, Name: "orders", Codec: transform.JSON[OrderPlaced](),
	})
	if err != nil {
		fmt.Println(err)

		return
	}
	if err := outbox.Create(ctx); err != nil { // once
		fmt.Println(err)

		return
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		fmt.Println(err)

		return
	}
	defer tx.Rollback()
	if err := outbox.Add(ctx, tx, OrderPlaced{ID: 7}); err != nil { // beside the order itself
		fmt.Println(err)

		return
	}
	if err := tx.Commit(); err != nil {
		fmt.Println(err)
	}
	// flow.From(outbox).To(topic) hands it out from here on.
}

// Many processes share the rows of a table of work.
func ExampleClaims() {
	type Job struct {
		ID   int64
		Task string
	}
	db := openDatabase()
	defer db.Close()

	jobs, err := sqlconn.NewClaims[Job](sqlconn.ClaimsConfig{
		DB: db, Dialect: sqlconn.MySQL, Name: "jobs", Table: "jobs", Key: "id", Where: "task <> ?", Args: []any{"paused"},
	})
	if err != nil {
		fmt.Println(err)

		return
	}
	fmt.Println(connector.Describe(jobs).Lease)
	// Output: 30s
}

// What a queue delivers twice has its row once.
func ExampleInbox() {
	type Payment struct{ ID int64 }
	db := openDatabase()
	defer db.Close()

	inbox, err := sqlconn.NewInbox(sqlconn.InboxConfig{DB: db, Dialect: sqlconn.SQLite, Name: "payments"})
	if err != nil {
		fmt.Println(err)

		return
	}
	payments, err := sqlconn.NewTable[Payment](sqlconn.TableConfig{
		DB: db, Table: "payments", Dialect: sqlconn.SQLite, Inbox: inbox,
	})
	if err != nil {
		fmt.Println(err)

		return
	}
	fmt.Println(connector.Describe(payments).Idempotent)
	// Output: true
}
