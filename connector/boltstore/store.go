package boltstore

import (
	"context"
	"fmt"
	"os"
	"sync"

	bolt "go.etcd.io/bbolt"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/boltfile"
)

// Store is a connector.Store in one file. Make it with Open.
type Store struct {
	path     string
	file     *boltfile.File
	versions versions
	commits  commits
	claims   claims

	mu      sync.Mutex
	closed  bool
	failure error
	running sync.WaitGroup
}

var (
	_ connector.Store         = (*Store)(nil)
	_ connector.Describer     = (*Store)(nil)
	_ connector.HealthChecker = (*Store)(nil)
)

// Open opens the store at path, and makes it, with mode 0600, if there is none. The
// directory must exist. A file that is open elsewhere gives a transient error after
// Config.LockWait; a file that is no store, or that is damaged, a permanent one.
func Open(path string, cfg Config) (*Store, error) { return open(path, cfg, os.OpenFile) }

func open(path string, cfg Config, openFile boltfile.OpenFunc) (*Store, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, connector.Permanent(fmt.Errorf("boltstore: config: %w", err))
	}
	s := &Store{path: path}
	s.commits = commits{Line: boltfile.NewLine[*change](), store: s}
	s.claims.init(s, cfg.MaxClaims)
	s.file, err = boltfile.Open(path, boltfile.Config{
		Driver: "boltstore", LockWait: cfg.LockWait, OpenFile: openFile,
		Buckets: []string{bucketEntries, bucketConfirmed, bucketExpiry, bucketMeta},
		Load:    func(tx *bolt.Tx) error { return s.versions.load(path, tx) },
		Damaged: func(err error) error { return damaged(path, err) },
	})
	if err != nil {
		return nil, err
	}

	return s, nil
}

// Close waits for running calls and closes the file. Live claims are given up. Every call
// that begins after Close returns connector.ErrClosed; a second Close returns nil.
func (s *Store) Close() error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	s.running.Wait()
	if err := s.file.DB.Close(); err != nil {
		return fmt.Errorf("boltstore: close %s: %w", s.path, err)
	}

	return nil
}

// Describe declares the store durable.
func (s *Store) Describe() connector.Capabilities {
	return connector.Capabilities{Name: "store " + s.path, Durable: true}
}

// CheckHealth returns the error that any other call would return now, or nil.
func (s *Store) CheckHealth(ctx context.Context) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	s.running.Done()

	return nil
}

// enter begins a call; when it returns nil, the caller owes s.running.Done().
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("boltstore: %s: %w", s.path, connector.ErrClosed)
	}
	if s.failure != nil {
		return s.failure
	}
	s.running.Add(1)

	return nil
}

// stop makes every later call fail.
func (s *Store) stop(cause error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil {
		s.failure = connector.Permanent(&StoppedError{File: s.path, Err: cause})
	}

	return s.failure
}

func damaged(path string, err error) error {
	return connector.Permanent(&CorruptError{File: path, Err: err})
}
