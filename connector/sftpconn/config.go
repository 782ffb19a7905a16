package sftpconn

import (
	"errors"
	"fmt"
	"net"
	"path"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/millrace-go/millrace/connector"
)

// DefaultTimeout bounds each request and the making of a connection.
const DefaultTimeout = 30 * time.Second

// Config says which folder of which server to use.
type Config struct {
	// Address is host and port of the server. Required.
	Address string
	// User and Auth are the login. Required.
	User string
	Auth []ssh.AuthMethod
	// HostKey checks the server's key: ssh.FixedHostKey, or golang.org/x/crypto's
	// knownhosts. Required; there is no way to leave it out.
	HostKey ssh.HostKeyCallback
	// Folder is the path of the folder on the server. Required; "." is where the login
	// begins.
	Folder string
	// Timeout bounds each request, and the making of a connection. Default 30 s.
	Timeout time.Duration
	// SkipReadBack leaves out reading an upload again to compare its SHA-256, which doubles
	// the traffic. Its size is compared in any case.
	SkipReadBack bool
}

func (c *Config) complete() error {
	var errs []error
	if _, _, err := net.SplitHostPort(c.Address); err != nil {
		errs = append(errs, fmt.Errorf("sftpconn: Config.Address %q: %w", c.Address, err))
	}
	if c.User == "" || len(c.Auth) == 0 {
		errs = append(errs, errors.New("sftpconn: Config.User and Config.Auth are required"))
	}
	if c.HostKey == nil {
		errs = append(errs, errors.New("sftpconn: Config.HostKey is nil; without it anyone could be the server"))
	}
	if c.Folder == "" {
		errs = append(errs, errors.New("sftpconn: Config.Folder is empty; name a folder, \".\" for where the login begins"))
	}
	if c.Timeout < 0 {
		errs = append(errs, fmt.Errorf("sftpconn: Config.Timeout is %v; want 0 for the default of %v, or more", c.Timeout, DefaultTimeout))
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	c.Folder = path.Clean(c.Folder)

	return connector.Permanent(errors.Join(errs...))
}
