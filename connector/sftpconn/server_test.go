package sftpconn_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/millrace-go/millrace/connector/sftpconn"
)

// server is an OpenSSH server of a test, for the account that runs it.
type server struct {
	address string
	user    string
	client  ssh.Signer
	host    ssh.PublicKey
	dir     string // its files
	config  string
	sshd    string
	process *exec.Cmd
	log     bytes.Buffer
}

func do(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// newServer starts a server on a free port, with keys of its own.
func newServer(t testing.TB) *server {
	t.Helper()
	sshd, err := exec.LookPath("sshd")
	if err != nil {
		sshd = "/usr/sbin/sshd"
	}
	if _, err := os.Stat(sshd); err != nil {
		if os.Getenv("MILLRACE_TEST_SERVICES") == "required" {
			t.Fatal("there is no sshd; install openssh-server")
		}
		t.Skip("needs sshd: install openssh-server")
	}
	account, err := user.Current()
	do(t, err)
	if account.Uid == "0" { // the directory that the server chroots into before a login
		do(t, os.MkdirAll("/run/sshd", 0o755))
	}
	home := t.TempDir()
	s := &server{sshd: sshd, user: account.Username, dir: t.TempDir(), config: filepath.Join(home, "sshd_config")}
	s.host = keyFile(t, filepath.Join(home, "host")).PublicKey()
	s.client = keyFile(t, filepath.Join(home, "client"))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	do(t, err)
	s.address = listener.Addr().String()
	do(t, listener.Close())
	_, port, err := net.SplitHostPort(s.address)
	do(t, err)
	authorized := filepath.Join(home, "authorized")
	do(t, os.WriteFile(authorized, ssh.MarshalAuthorizedKey(s.client.PublicKey()), 0o600))
	do(t, os.WriteFile(s.config, []byte(strings.Join([]string{
		"ListenAddress 127.0.0.1", "Port " + port, "HostKey " + filepath.Join(home, "host"), "AuthorizedKeysFile " + authorized,
		"PidFile none", "StrictModes no", "UsePAM no", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
		"PermitRootLogin prohibit-password", "Subsystem sftp internal-sftp", "MaxStartups 100", "",
	}, "\n")), 0o600))
	s.start(t)
	t.Cleanup(s.stop)

	return s
}

// keyFile makes a key and writes it where the server can read it.
func keyFile(t testing.TB, path string) ssh.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	do(t, err)
	block, err := ssh.MarshalPrivateKey(key, "")
	do(t, err, os.WriteFile(path, pem.EncodeToMemory(block), 0o600))
	signer, err := ssh.NewSignerFromKey(key)
	do(t, err)

	return signer
}

// start runs the server and waits until it listens.
func (s *server) start(t testing.TB) {
	t.Helper()
	s.process = exec.Command(s.sshd, "-D", "-e", "-f", s.config)
	s.process.Stderr = &s.log
	do(t, s.process.Start())
	const patience = 30 * time.Second
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", s.address)
		if err == nil {
			do(t, conn.Close())

			return
		}
		if time.Since(began) > patience {
			s.stop()
			t.Fatalf("sshd does not listen: %v: %s", err, s.log.String())
		}
	}
}

// stop ends the server. Connections that are open go on: each has a process of its own.
func (s *server) stop() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

func (s *server) settings() sftpconn.Config {
	return sftpconn.Config{
		Address: s.address, User: s.user, Folder: s.dir,
		Auth: []ssh.AuthMethod{ssh.PublicKeys(s.client)}, HostKey: ssh.FixedHostKey(s.host),
	}
}

// folder opens the folder of the server, or one below it.
func (s *server) folder(t testing.TB, change ...func(*sftpconn.Config)) *sftpconn.Folder {
	t.Helper()
	config := s.settings()
	for _, c := range change {
		c(&config)
	}
	folder, err := sftpconn.New(config)
	do(t, err)
	t.Cleanup(func() { do(t, folder.Close()) })

	return folder
}

func (s *server) put(t testing.TB, name, text string) {
	t.Helper()
	do(t, os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600))
}

// tree lists the files of the server with their text.
func (s *server) tree(t testing.TB) map[string]string {
	t.Helper()
	files := make(map[string]string)
	do(t, filepath.WalkDir(s.dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(s.dir, path)
		files[filepath.ToSlash(name)] = string(text)

		return err
	}))

	return files
}

// subdir makes an empty folder for each case of a suite.
func (s *server) subdir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(s.dir, "case")
	do(t, err)

	return dir
}

func numbered(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "line %06d\n", i)
	}

	return text.String()
}
