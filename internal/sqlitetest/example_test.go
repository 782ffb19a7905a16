package sqlitetest_test

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/sqlconn"
)

// A table that is upserted by key can be written again without harm, and read back.
func Example() {
	type City struct {
		Name      string
		Residents int64 `sql:"population"`
	}
	ctx := context.Background()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		fmt.Println(err)

		return
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // an in-memory database lives in one connection
	if _, err := db.ExecContext(ctx, "CREATE TABLE cities (name TEXT PRIMARY KEY, population INTEGER)"); err != nil {
		fmt.Println(err)

		return
	}

	cities, err := sqlconn.NewTable[City](sqlconn.TableConfig{
		DB: db, Table: "cities", Dialect: sqlconn.SQLite, OnConflict: sqlconn.Update, Key: []string{"name"},
	})
	if err != nil {
		fmt.Println(err)

		return
	}
	defer cities.Close()
	for _, residents := range []int64{1_900_000, 2_000_000} {
		err := cities.Write(ctx, []connector.Message[City]{{Value: City{"Vienna", residents}}})
		fmt.Println("write:", err)
	}

	query, err := sqlconn.NewQuery[City](sqlconn.QueryConfig{
		DB: db, Name: "cities", SQL: "SELECT name, population FROM cities ORDER BY name",
	})
	if err != nil {
		fmt.Println(err)

		return
	}
	reader, err := query.Open(ctx)
	if err != nil {
		fmt.Println(err)

		return
	}
	defer reader.Close()
	found, err := reader.Read(ctx, 10)
	fmt.Println(len(found), found[0].Position(), found[0].Value, err)
	// Output:
	// write: <nil>
	// write: <nil>
	// 1 cities:1 {Vienna 2000000} <nil>
}
