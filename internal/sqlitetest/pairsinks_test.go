package sqlitetest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/connector/sqlconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/internal/killtest"
	"github.com/millrace-go/millrace/transform"
)

var pairSinks = []killtest.Into{
	{Name: "file, append", End: endFile(fileconn.Append), Found: foundInFiles},
	{Name: "file, parts", End: endFile(fileconn.Parts), Found: foundInFiles},
	{Name: "SQL upsert", End: endTable("UNIQUE", sqlconn.Update, "id"), Found: foundRows},
	{Name: "SQL insert below Once", End: endOnce, Found: foundRows, Remembers: true},
	{Name: "durable queue", End: endQueue, Found: foundInQueue},
	{Name: "bbolt store, by key", End: endStore, Found: foundInStore},
	{Name: "bbolt store, stored fold", End: endFold, Found: foundFolded},
}

// batched writes batches to a sink.
func batched(in flow.Flow[item], sink connector.Sink[item], closers ...io.Closer) killtest.End {
	return killtest.End{End: in.Batch(4, time.Second).To(sink), Sink: connector.Describe(sink), Close: closers}
}

func endFile(mode fileconn.Mode) func(in flow.Flow[item], dir string) (killtest.End, error) {
	return func(in flow.Flow[item], dir string) (killtest.End, error) {
		config := fileconn.SinkConfig{Path: filepath.Join(dir, "out.ndjson"), Mode: mode}
		if mode == fileconn.Parts {
			config.PartRecords = 20
		}
		sink, err := fileconn.NewNDJSONSink[item](config, transform.NDJSONConfig{})
		if err != nil {
			return killtest.End{}, err
		}

		return batched(in, sink, sink), nil
	}
}

func foundInFiles(t testing.TB, dir string) []int {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "out*.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	source, err := fileconn.NDJSON[item](fileconn.SourceConfig{Paths: names}, transform.NDJSONConfig{})
	if err != nil {
		t.Fatal(err)
	}

	return foundBy(t, source)
}

// foundBy reads a source to its end.
func foundBy(t testing.TB, source connector.Source[item]) []int {
	t.Helper()
	reader, err := source.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var found []int
	for {
		list, err := reader.Read(t.Context(), 100)
		var settlements []connector.Settlement
		for _, m := range list {
			m.Value.Right(t)
			found = append(found, m.Value.ID)
			settlements = append(settlements, connector.Settlement{Position: m.Position(), Outcome: connector.Delivered})
		}
		if err := reader.Settle(t.Context(), settlements); err != nil {
			t.Fatal(err)
		}
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func openPairTable(dir, unique string, onConflict sqlconn.OnConflict, key ...string) (*sqlconn.Table[item], *sql.DB, error) {
	db, err := openPairDB(dir, "out.db", unique)
	if err != nil {
		return nil, nil, err
	}
	into, err := sqlconn.NewTable[item](sqlconn.TableConfig{
		DB: db, Table: "items", Dialect: sqlconn.SQLite, OnConflict: onConflict, Key: key,
	})

	return into, db, err
}

func endTable(unique string, onConflict sqlconn.OnConflict, key ...string) func(in flow.Flow[item], dir string) (killtest.End, error) {
	return func(in flow.Flow[item], dir string) (killtest.End, error) {
		into, db, err := openPairTable(dir, unique, onConflict, key...)
		if err != nil {
			return killtest.End{}, err
		}

		return batched(in, into, into, db), nil
	}
}

// endOnce lets each item pass once, into a table that does not refuse a second row.
func endOnce(in flow.Flow[item], dir string) (killtest.End, error) {
	into, db, err := openPairTable(dir, "", sqlconn.Refuse)
	if err != nil {
		return killtest.End{}, err
	}
	store, err := boltstore.Open(filepath.Join(dir, "seen"), boltstore.Config{})
	if err != nil {
		return killtest.End{}, err
	}
	once := in.Once(store, func(i item) string { return strconv.Itoa(i.ID) }, 0).As("once")

	return batched(once, into, into, db, store), nil
}

func foundRows(t testing.TB, dir string) []int {
	t.Helper()
	db, err := openPairDB(dir, "out.db", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	query, err := sqlconn.NewQuery[item](sqlconn.QueryConfig{DB: db, Name: "items", SQL: "SELECT id, text FROM items"})
	if err != nil {
		t.Fatal(err)
	}

	return foundBy(t, query)
}

func endQueue(in flow.Flow[item], dir string) (killtest.End, error) {
	q, err := openPairQueue(dir, "out.queue")
	if err != nil {
		return killtest.End{}, err
	}

	return batched(in, q, q), nil
}

func foundInQueue(t testing.TB, dir string) []int {
	t.Helper()
	q, err := openPairQueue(dir, "out.queue")
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()

	return foundBy(t, ending{q})
}

// shelf is a store as a sink: each item is an entry under its key.
type shelf struct{ *boltstore.Store }

func (s shelf) Describe() connector.Capabilities {
	c := s.Store.Describe()
	c.Idempotent = true

	return c
}

// Write puts all items in one transaction.
func (s shelf) Write(ctx context.Context, list []connector.Message[item]) error {
	return s.Update(ctx, func(tx connector.KV) error {
		for _, m := range list {
			if _, err := tx.Put(ctx, fmt.Sprintf("item %04d", m.Value.ID), []byte(m.Value.Text), connector.Any, 0); err != nil {
				return err
			}
		}

		return nil
	})
}

func endStore(in flow.Flow[item], dir string) (killtest.End, error) {
	store, err := boltstore.Open(filepath.Join(dir, "store"), boltstore.Config{})
	if err != nil {
		return killtest.End{}, err
	}

	return batched(in, shelf{store}, store), nil
}

func foundInStore(t testing.TB, dir string) []int {
	t.Helper()
	store, err := boltstore.Open(filepath.Join(dir, "store"), boltstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var found []int
	for entry, err := range store.Scan(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		var id int
		if _, err := fmt.Sscanf(entry.Key, "item %d", &id); err != nil {
			t.Fatal(err)
		}
		item{ID: id, Text: string(entry.Value)}.Right(t)
		found = append(found, id)
	}

	return found
}

// foldKeys is how many groups the items are folded into.
const foldKeys = 5

type folded struct {
	Key int   `json:"key"`
	IDs []int `json:"ids"`
}

// endFold keeps a list of the items of each key in the store. StoredIn changes it in the
// transaction that notes the message, so it is the store that is declared here; each new
// state of a list is a line in a file.
func endFold(in flow.Flow[item], dir string) (killtest.End, error) {
	store, err := boltstore.Open(filepath.Join(dir, "store"), boltstore.Config{})
	if err != nil {
		return killtest.End{}, err
	}
	states, err := fileconn.NewNDJSONSink[folded](
		fileconn.SinkConfig{Path: filepath.Join(dir, "states.ndjson"), Mode: fileconn.Append}, transform.NDJSONConfig{})
	if err != nil {
		return killtest.End{}, errors.Join(err, store.Close())
	}
	end := in.KeyBy(func(i item) int { return i.ID % foldKeys }).StoredIn(store).
		Fold(func(ids []int, i item) []int { return append(ids[:len(ids):len(ids)], i.ID) }).As("lists").
		Map(flow.Pure(func(g flow.Group[int, []int]) folded { return folded{g.Key, g.Value} })).To(states)
	c := store.Describe()
	c.Transactional = true

	return killtest.End{End: end, Sink: c, Close: []io.Closer{states, store}}, nil
}

// foundFolded are the items in the longest list of each key.
func foundFolded(t testing.TB, dir string) []int {
	t.Helper()
	source, err := fileconn.NDJSON[folded](
		fileconn.SourceConfig{Paths: []string{filepath.Join(dir, "states.ndjson")}}, transform.NDJSONConfig{})
	if err != nil {
		t.Fatal(err)
	}
	last := make(map[int][]int)
	for value, err := range flow.From(source).All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if len(value.IDs) >= len(last[value.Key]) {
			last[value.Key] = value.IDs
		}
	}
	var found []int
	for _, ids := range last {
		found = append(found, ids...)
	}

	return found
}
