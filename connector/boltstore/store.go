package boltstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"

	bolt "go.etcd.io/bbolt"

	"github.com/millrace-go/millrace/connector"
)

const fileMode = 0o600

type openFunc func(path string, flag int, mode os.FileMode) (*os.File, error)

// Store is a connector.Store in one file. Make it with Open.
type Store struct {
	path     string
	db       *bolt.DB
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

func open(path string, cfg Config, openFile openFunc) (*Store, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, connector.Permanent(fmt.Errorf("boltstore: config: %w", err))
	}
	s := &Store{path: path}
	s.commits.init(s)
	s.claims.init(s, cfg.MaxClaims)
	if err := s.openDB(cfg, openFile); err != nil {
		return nil, openError(path, cfg, err)
	}

	return s, nil
}

func (s *Store) openDB(cfg Config, openFile openFunc) (err error) {
	defer recoverDamage(s.path, &err)
	s.db, err = bolt.Open(s.path, fileMode, &bolt.Options{
		Timeout: cfg.LockWait, FreelistType: bolt.FreelistMapType, OpenFile: openFile,
	})
	if err != nil {
		return err
	}
	if err := s.prepare(); err != nil {
		return errors.Join(err, s.db.Close())
	}

	return syncDir(filepath.Dir(s.path))
}

// prepare makes the buckets and reserves the first block of versions.
func (s *Store) prepare() error {
	return s.db.Update(func(tx *bolt.Tx) error {
		for _, name := range [...]string{bucketEntries, bucketConfirmed, bucketExpiry, bucketMeta} {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return fmt.Errorf("bucket %s: %w", name, err)
			}
		}

		return s.versions.load(s.path, tx)
	})
}

// syncDir makes the name of a new file durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}

	return nil
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
	if err := s.db.Close(); err != nil {
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

// view runs fn in a read transaction.
func (s *Store) view(fn func(tx *bolt.Tx) error) (err error) {
	defer recoverDamage(s.path, &err)
	// A damaged page can send bbolt outside the mapping; that is to be an error too.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))

	return s.db.View(fn)
}

// recoverDamage turns the panics with which bbolt answers a damaged page into an error.
func recoverDamage(path string, err *error) {
	if reason := recover(); reason != nil {
		*err = damaged(path, reason)
	}
}

func damaged(path string, reason any) error {
	return connector.Permanent(&CorruptError{File: path, Err: fmt.Errorf("page: %v", reason)})
}
