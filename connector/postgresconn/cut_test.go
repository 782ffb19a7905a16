package postgresconn_test

import (
	"bytes"
	"context"
	"net"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
)

// cutter breaks connections at a chosen statement, before it is sent or once the server
// has it.
type cutter struct {
	at     atomic.Pointer[string]
	before atomic.Bool
	cuts   atomic.Int32
}

// arm has the next statement that contains the text break its connection.
func (c *cutter) arm(text string, before bool) {
	c.before.Store(before)
	c.at.Store(&text)
}

func (c *cutter) open(t testing.TB) *pgxpool.Pool {
	t.Helper()
	open(t) // skips where there is no server
	config, err := pgxpool.ParseConfig(address())
	if err != nil {
		t.Fatal(err)
	}
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)

		return &cutConn{conn, c}, err
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)

	return pool
}

type cutConn struct {
	net.Conn

	cutter *cutter
}

func (c *cutConn) Write(p []byte) (int, error) {
	at := c.cutter.at.Load()
	if at == nil || !bytes.Contains(p, []byte(*at)) || !c.cutter.at.CompareAndSwap(at, nil) {
		return c.Conn.Write(p)
	}
	c.cutter.cuts.Add(1)
	if c.cutter.before.Load() {
		_ = c.Conn.Close()

		return 0, net.ErrClosed
	}
	n, err := c.Conn.Write(p)
	if half, ok := c.Conn.(*net.TCPConn); ok {
		_ = half.CloseRead() // the server's answer is not heard
	}

	return n, err
}
