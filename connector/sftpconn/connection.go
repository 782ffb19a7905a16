package sftpconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/millrace-go/millrace/connector"
)

// grace is how long a request may go on after its context has ended.
const grace = time.Second

// link is one connection with its SFTP session.
type link struct {
	net    net.Conn
	ssh    *ssh.Client
	client *sftp.Client
	done   chan struct{} // closed when the connection broke
}

// links makes connections, one at a time.
type links struct {
	config Config

	mu     sync.Mutex
	now    *link
	closed bool
}

// get returns a connection that works as far as is known.
func (l *links) get(ctx context.Context) (*link, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, connector.Permanent(connector.ErrClosed)
	}
	if l.now != nil {
		select {
		case <-l.now.done:
			l.now.close()
			l.now = nil
		default:
			return l.now, nil
		}
	}
	made, err := dial(ctx, l.config)
	if err != nil {
		return nil, err
	}
	l.now = made

	return made, nil
}

func (l *links) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.now != nil {
		l.now.close()
		l.now = nil
	}
}

// dial makes a connection.
func dial(ctx context.Context, config Config) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, config.Timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", config.Address)
	if err != nil {
		return nil, connector.Transient(fmt.Errorf("connect: %w", err))
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	var hostErr error
	shaken, channels, requests, err := ssh.NewClientConn(conn, config.Address, &ssh.ClientConfig{
		User: config.User, Auth: config.Auth,
		HostKeyCallback: func(host string, remote net.Addr, key ssh.PublicKey) error {
			hostErr = config.HostKey(host, remote, key)

			return hostErr
		},
	})
	if err != nil {
		return nil, errors.Join(handshakeError(ctx, err, hostErr), conn.Close())
	}
	secure := ssh.NewClient(shaken, channels, requests)
	client, err := sftp.NewClient(secure)
	if err != nil {
		return nil, errors.Join(connector.Transient(fmt.Errorf("start SFTP: %w", err)), secure.Close())
	}
	made := &link{net: conn, ssh: secure, client: client, done: make(chan struct{})}
	go func() {
		_ = client.Wait() // why it broke, every request says
		close(made.done)
	}()

	return made, nil
}

// handshakeError gives the failure of a handshake its class. x/crypto/ssh has no type for
// a login that is refused, but its text is fixed.
func handshakeError(ctx context.Context, err, hostErr error) error {
	_, refused := errors.AsType[*ssh.ServerAuthError](err)
	switch {
	case hostErr != nil:
		return connector.Permanent(fmt.Errorf("the server's host key is not the one that is expected: %w", hostErr))
	case ctx.Err() != nil:
		return connector.Transient(fmt.Errorf("log in: %w: %w", ctx.Err(), err))
	case refused || isRefused(err):
		return connector.Permanent(fmt.Errorf("log in: %w", err))
	default:
		return connector.Transient(fmt.Errorf("log in: %w", err))
	}
}

func (l *link) close() {
	_ = l.client.Close() // it may be broken already
	_ = l.ssh.Close()
	<-l.done
}

// watch breaks the connection when a request takes too long, or goes on after its context
// has ended. Call what it returns when the request is over.
func (l *link) watch(ctx context.Context, timeout time.Duration) (over func()) {
	timer := time.AfterFunc(timeout, func() { _ = l.net.Close() })
	stop := context.AfterFunc(ctx, func() { timer.Reset(min(grace, timeout)) })

	return func() {
		stop()
		timer.Stop()
	}
}

// isEnd reports whether a request met the end of a file. An error that wraps io.EOF is
// another thing: the connection has ended.
func isEnd(err error) bool { return err == io.EOF } //nolint:errorlint // see above

// classify gives an error of a request its class, and what tells of a broken connection.
func classify(ctx context.Context, err error) error {
	switch {
	case err == nil, isEnd(err) && ctx.Err() == nil:
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrExist):
		return err
	case errors.Is(err, fs.ErrPermission):
		return connector.Permanent(fmt.Errorf("%w; check what the account may do", err))
	default:
		return connector.Transient(err)
	}
}

// isRefused reports whether the server let nobody in with these methods.
func isRefused(err error) bool {
	return strings.Contains(err.Error(), "unable to authenticate") || strings.Contains(err.Error(), "no supported methods remain")
}
