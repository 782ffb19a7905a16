package sftpconn_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"
)

func newKey() (ed25519.PublicKey, ssh.Signer, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	signer, err := ssh.NewSignerFromKey(private)

	return public, signer, err
}

// proxy passes connections on, until it cuts them.
type proxy struct {
	t        testing.TB
	listener net.Listener
	target   string
	left     atomic.Int64 // bytes to the server before the cut; negative is never

	mu    sync.Mutex
	conns []net.Conn
	wait  sync.WaitGroup
}

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	do(t, err)
	p := &proxy{t: t, listener: listener, target: target}
	p.left.Store(1 << 62)
	p.wait.Go(p.serve)
	t.Cleanup(p.stop)

	return p
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) cutAfter(n int64) { p.left.Store(n) }

func (p *proxy) serve() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = near.Close()

			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, near, far)
		p.mu.Unlock()
		p.wait.Go(func() { p.pass(far, near, true) })
		p.wait.Go(func() { p.pass(near, far, false) })
	}
}

func (p *proxy) pass(to, from net.Conn, counts bool) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		if counts {
			left := p.left.Add(-int64(n))
			if left < 0 {
				_, _ = to.Write(buffer[:max(0, int64(n)+left)])

				return
			}
		}
		if _, writeErr := to.Write(buffer[:n]); writeErr != nil || err != nil {
			return
		}
	}
}

// cut breaks the connections that are open.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		_ = conn.Close()
	}
	p.conns = nil
}

func (p *proxy) stop() {
	_ = p.listener.Close()
	p.cut()
	p.wait.Wait()
}
