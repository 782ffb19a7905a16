package sqlitetest_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/connector/sqlconn"
	"github.com/millrace-go/millrace/internal/killtest"
	"github.com/millrace-go/millrace/transform"
)

type item = killtest.Item

var pairSources = []killtest.From{
	{Name: "file", Fill: fillFile, Open: func(dir string) (connector.Source[item], error) {
		return fileconn.CSV[item](fileconn.SourceConfig{Paths: []string{filepath.Join(dir, "in.csv")}, Name: "in"}, transform.CSVConfig{})
	}},
	{Name: "SQL query", Fill: fillTable, Open: openPairQuery},
	{Name: "durable queue", Fill: fillQueue, Open: func(dir string) (connector.Source[item], error) {
		q, err := openPairQueue(dir, "in.queue")

		return ending{q}, err
	}},
	{Name: "HTTP intake", Open: openPairIntake},
}

func fillFile(dir string, items []item) error {
	sink, err := fileconn.NewCSVSink[item](fileconn.SinkConfig{Path: filepath.Join(dir, "in.csv")}, transform.CSVConfig{})
	if err != nil {
		return err
	}

	return errors.Join(sink.Write(context.Background(), messagesOf(items)), sink.Close())
}

func messagesOf(items []item) []connector.Message[item] {
	list := make([]connector.Message[item], len(items))
	for i, it := range items {
		list[i] = connector.NewMessage(it, connector.Fields{ID: fmt.Sprint("item-", it.ID)})
	}

	return list
}

// openPairDB opens a database with a table of items.
func openPairDB(dir, name, unique string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", filepath.Join(dir, name)+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)")
	if err != nil {
		return nil, err
	}
	_, err = db.ExecContext(context.Background(), "CREATE TABLE IF NOT EXISTS items (id INTEGER NOT NULL "+unique+", text TEXT NOT NULL)")

	return db, err
}

func fillTable(dir string, items []item) error {
	db, err := openPairDB(dir, "in.db", "UNIQUE")
	if err != nil {
		return err
	}
	into, err := sqlconn.NewTable[item](sqlconn.TableConfig{DB: db, Table: "items", Dialect: sqlconn.SQLite})
	if err != nil {
		return errors.Join(err, db.Close())
	}

	return errors.Join(into.Write(context.Background(), messagesOf(items)), into.Close(), db.Close())
}

// queryAndDB closes its database too.
type queryAndDB struct {
	*sqlconn.Query[item]

	db *sql.DB
}

func (q queryAndDB) Close() error { return q.db.Close() }

func openPairQuery(dir string) (connector.Source[item], error) {
	db, err := openPairDB(dir, "in.db", "UNIQUE")
	if err != nil {
		return nil, err
	}
	q, err := sqlconn.NewQuery[item](sqlconn.QueryConfig{DB: db, Name: "items", SQL: "SELECT id, text FROM items ORDER BY id", Key: "id"})

	return queryAndDB{q, db}, err
}

func openPairQueue(dir, name string) (*queueconn.Queue[item], error) {
	codec, err := transform.NewJSON[item](transform.JSONConfig{})
	if err != nil {
		return nil, err
	}

	return queueconn.Open(filepath.Join(dir, name), codec, queueconn.Config{MaxAttempts: 1000})
}

func fillQueue(dir string, items []item) error {
	q, err := openPairQueue(dir, "in.queue")
	if err != nil {
		return err
	}

	return errors.Join(q.Write(context.Background(), messagesOf(items)), q.Close())
}

// ending is a queue to which nothing more is written.
type ending struct{ *queueconn.Queue[item] }

func (e ending) Open(ctx context.Context) (connector.Reader[item], error) {
	r, err := e.Queue.Open(ctx)
	if f, ok := r.(connector.Finisher); ok && err == nil {
		f.Finish()
	}

	return r, err
}

// senders is how many clients send to an intake at once.
const senders = 4

// intake is an HTTP intake with its server and its clients. They note in a journal which
// items were answered with success, and send the others again when they are started anew.
type intake struct {
	*httpconn.Intake[item]

	server  *httptest.Server
	journal connector.Reader[int]
	done    context.Context //nolint:containedctx // it tells the Reader that every item was answered
	sent    context.CancelFunc
}

func openPairIntake(dir string) (connector.Source[item], error) {
	inner, err := httpconn.NewIntake[item](httpconn.IntakeConfig{})
	if err != nil {
		return nil, err
	}
	journal, err := killtest.Journal(dir, killtest.PairWork)
	if err != nil {
		return nil, err
	}
	reader, err := journal.Open(context.Background())
	if err != nil {
		return nil, err
	}
	i := &intake{Intake: inner, server: httptest.NewServer(inner), journal: reader}
	i.done, i.sent = context.WithCancel(context.Background())

	return i, nil
}

// Open starts the clients.
func (i *intake) Open(ctx context.Context) (connector.Reader[item], error) {
	r, err := i.Intake.Open(ctx)
	if err != nil {
		return nil, err
	}
	go i.send()

	return &intakeReader{r, i}, nil
}

func (i *intake) Close() error {
	i.sent()
	i.server.Close()

	return i.journal.Close()
}

// send lets the clients send what was not answered yet, over and over until all is.
func (i *intake) send() {
	defer i.sent()
	var mu sync.Mutex // the journal is one Reader
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for i.done.Err() == nil {
				mu.Lock()
				list, err := i.journal.Read(i.done, 1)
				mu.Unlock()
				if errors.Is(err, io.EOF) {
					return
				}
				for _, m := range list {
					for i.post(m.Value+1) != nil && i.done.Err() == nil {
						continue // it was not answered with success: again
					}
					mu.Lock()
					_ = i.journal.Settle(i.done, []connector.Settlement{{Position: m.Position(), Outcome: connector.Delivered}})
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
}

func (i *intake) post(n int) error {
	body, err := json.Marshal(killtest.MakeItem(n))
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(i.done, http.MethodPost, i.server.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := i.server.Client().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		fmt.Fprintln(os.Stderr, "the intake answers", resp.Status)

		return errors.New(resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)

	return err
}

// intakeReader ends when every item was answered.
type intakeReader struct {
	connector.Reader[item]

	intake *intake
}

func (r *intakeReader) Read(ctx context.Context, limit int) ([]connector.Message[item], error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.intake.done, cancel)()
	list, err := r.Reader.Read(ctx, limit)
	if err != nil && r.intake.done.Err() != nil {
		err = io.EOF
	}

	return list, err
}
