package sqlconn_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fake is a database of one table, whose calls can be made to fail. Rows that an INSERT
// binds are pending until the commit.
type fake struct {
	width   int
	columns []string
	data    [][]driver.Value
	delay   time.Duration
	fail    func(call string) error
	refuse  func(row []driver.Value) error
	// lateFail is the error of a commit that was done all the same.
	lateFail error

	mu        sync.Mutex
	calls     []string
	committed [][]driver.Value
}

func (f *fake) open(t testing.TB) *sql.DB {
	t.Helper()
	db := sql.OpenDB(f)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close database: %v", err)
		}
	})

	return db
}

func (f *fake) call(name string) error {
	f.mu.Lock()
	f.calls = append(f.calls, name)
	f.mu.Unlock()
	if f.fail == nil {
		return nil
	}

	return f.fail(name)
}

func (f *fake) count(prefix string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, call := range f.calls {
		if strings.HasPrefix(call, prefix) {
			n++
		}
	}

	return n
}

// stored returns the first column of every committed row.
func (f *fake) stored() []int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids := make([]int64, 0, len(f.committed))
	for _, row := range f.committed {
		ids = append(ids, row[0].(int64))
	}

	return ids
}

func (f *fake) Connect(context.Context) (driver.Conn, error) {
	if err := f.call("connect"); err != nil {
		return nil, err
	}

	return &fakeConn{fake: f}, nil
}

func (f *fake) Driver() driver.Driver { return nil }

type fakeConn struct {
	fake      *fake
	pending   [][]driver.Value
	savepoint int
}

func (c *fakeConn) Close() error                       { return nil }
func (c *fakeConn) Ping(context.Context) error         { return c.fake.call("ping") }
func (c *fakeConn) Begin() (driver.Tx, error)          { return c.BeginTx(nil, driver.TxOptions{}) }
func (c *fakeConn) Rollback() error                    { c.pending = nil; return c.fake.call("rollback") }
func (c *fakeConn) ResetSession(context.Context) error { return nil }

func (c *fakeConn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	c.pending = nil

	return c, c.fake.call("begin")
}

func (c *fakeConn) Commit() error {
	err := c.fake.call("commit")
	if err != nil {
		return err
	}
	for _, row := range c.pending {
		if late, ok := row[len(row)-1].(string); ok && late == "deferred" {
			return stateError("23503")
		}
	}
	c.fake.mu.Lock()
	defer c.fake.mu.Unlock()
	c.fake.committed = append(c.fake.committed, c.pending...)

	return c.fake.lateFail
}

func (c *fakeConn) Prepare(query string) (driver.Stmt, error) {
	if err := c.fake.call("prepare " + query); err != nil {
		return nil, err
	}

	return &fakeStmt{conn: c, query: query}, nil
}

func (c *fakeConn) QueryContext(ctx context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	if err := c.fake.call("query " + query); err != nil {
		return nil, err
	}

	return &fakeRows{ctx: ctx, fake: c.fake, left: c.fake.data}, ctx.Err()
}

type fakeStmt struct {
	conn  *fakeConn
	query string
}

func (s *fakeStmt) Close() error                              { return s.conn.fake.call("close statement") }
func (s *fakeStmt) NumInput() int                             { return -1 }
func (s *fakeStmt) Query([]driver.Value) (driver.Rows, error) { return nil, io.ErrUnexpectedEOF }
func (s *fakeStmt) Exec(a []driver.Value) (driver.Result, error) {
	c := s.conn
	if err := c.fake.call("exec " + s.query); err != nil {
		return nil, err
	}
	switch {
	case strings.HasPrefix(s.query, "SAVEPOINT"):
		c.savepoint = len(c.pending)
	case strings.HasPrefix(s.query, "ROLLBACK TO"):
		c.pending = c.pending[:c.savepoint]
	}
	kept := len(c.pending)
	for row := range slices.Chunk(a, max(1, c.fake.width)) {
		if c.fake.refuse != nil {
			if err := c.fake.refuse(row); err != nil {
				c.pending = c.pending[:kept]

				return nil, err
			}
		}
		c.pending = append(c.pending, slices.Clone(row))
	}

	return driver.RowsAffected(len(c.pending) - kept), nil
}

type fakeRows struct {
	ctx  context.Context
	fake *fake
	left [][]driver.Value
}

func (r *fakeRows) Columns() []string { return r.fake.columns }
func (r *fakeRows) Close() error      { return nil }

func (r *fakeRows) Next(dest []driver.Value) error {
	select {
	case <-r.ctx.Done():
		return r.ctx.Err()
	case <-time.After(r.fake.delay):
	}
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if err := r.fake.call("next"); err != nil {
		return err
	}
	if len(r.left) == 0 {
		return io.EOF
	}
	copy(dest, r.left[0])
	r.left = r.left[1:]

	return nil
}

// The ways in which drivers give their code.
type (
	stateError  string
	sqliteError int
	mysqlError  struct{ Number uint16 }
	mattnError  struct{ ExtendedCode int }
)

func (e stateError) Error() string    { return "state " + string(e) }
func (e stateError) SQLState() string { return string(e) }
func (e sqliteError) Error() string   { return "sqlite error" }
func (e sqliteError) Code() int       { return int(e) }
func (e *mysqlError) Error() string   { return "mysql error" }
func (e *mattnError) Error() string   { return "sqlite error" }
