package sqlconn_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/sqlconn"
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
