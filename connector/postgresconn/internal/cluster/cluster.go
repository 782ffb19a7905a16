// Package cluster starts a PostgreSQL of a test's own, which may be restarted and has
// wal_level = logical.
package cluster

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Cluster is a server with its data.
type Cluster struct {
	dir, binaries string
	port          int
	server        *exec.Cmd
}

// Start makes a cluster with the binaries that Debian installs, or skips.
func Start(t testing.TB) *Cluster {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(found) == 0 {
		const missing = "no PostgreSQL server programs in /usr/lib/postgresql: install the package postgresql"
		if os.Getenv("MILLRACE_TEST_SERVICES") == "required" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	slices.Sort(found)
	dir, err := os.MkdirTemp("", "millrace-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{dir: dir, binaries: found[len(found)-1], port: freePort(t)}
	t.Cleanup(func() {
		c.Stop(t, syscall.SIGQUIT)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if owner := c.owner(t); owner != nil {
		if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	out, err := c.command(t, "initdb", "-D", c.data(), "-A", "trust", "-U", "postgres", "-N", "--locale=C", "-E", "UTF8").CombinedOutput()
	if err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	c.Restart(t)

	return c
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()

	return listener.Addr().(*net.TCPAddr).Port
}

// owner is who runs the server where the tests are run by root, whom it refuses.
func (c *Cluster) owner(t testing.TB) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, _ := strconv.Atoi(u.Uid)
			gid, _ := strconv.Atoi(u.Gid)

			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	t.Skip("run by root, and there is no user postgres or nobody to run a server")

	return nil
}

func (c *Cluster) command(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(filepath.Join(c.binaries, name), args...) //nolint:gosec // the tools of the server
	cmd.Dir = c.dir
	// Should the test die, the server does.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner(t), Pdeathsig: syscall.SIGQUIT}

	return cmd
}

// Restart starts the server after a Stop, and waits until it answers.
func (c *Cluster) Restart(t testing.TB) {
	t.Helper()
	c.server = c.command(t, "postgres", "-D", c.data(), "-p", strconv.Itoa(c.port), "-k", c.dir, "-c", "listen_addresses=127.0.0.1",
		"-c", "wal_level=logical", "-c", "max_replication_slots=50", "-c", "max_wal_senders=50", "-c", "fsync=off", "-c", "log_min_messages=fatal")
	if err := c.server.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; {
		conn, err := pgx.Connect(context.Background(), c.Address())
		if err == nil {
			_ = conn.Close(context.Background())

			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server does not come up: %v", err)
		}
		<-time.After(50 * time.Millisecond)
	}
}

// Stop ends the server: SIGINT ends sessions in order, SIGQUIT is a crash.
func (c *Cluster) Stop(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if c.server == nil {
		return
	}
	_ = c.server.Process.Signal(signal)
	_ = c.server.Wait() // a crash is not a success
	c.server = nil
}

// Address is the connection string.
func (c *Cluster) Address() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", c.port)
}
