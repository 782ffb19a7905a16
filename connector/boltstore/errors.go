package boltstore

import (
	"errors"
	"fmt"
)

var (
	errChecksum      = errors.New("checksum does not match")
	errFormat        = errors.New("unknown format version")
	errShort         = errors.New("record is cut short")
	errTxOver        = errors.New("boltstore: the transaction is over: its KV is valid only inside the function given to Update")
	errBroken        = errors.New("boltstore: the function given to Update did not return")
	errTooManyClaims = errors.New("as many claims are live as Config.MaxClaims allows")
	errNoVersion     = errors.New("boltstore: no version is reserved")
)

// CorruptError says that a record, or the file, is not what was written. Restore the file
// from a backup; where Key is set, a Put or Delete that expects connector.Any replaces the
// record.
type CorruptError struct {
	// File is the path of the store; Key is the record's, empty where a whole page of the
	// file is damaged.
	File, Key string
	Err       error
}

// Error names the file, the key and what does not match.
func (e *CorruptError) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("boltstore: %s is damaged: %v: restore it from a backup", e.File, e.Err)
	}

	return fmt.Sprintf("boltstore: %s: key %q is damaged: %v", e.File, e.Key, e.Err)
}

// Unwrap returns what does not match.
func (e *CorruptError) Unwrap() error { return e.Err }

// StoppedError says that a commit failed earlier. What it wrote may or may not be in the
// file. The store does not try again on the same file: find the cause (a full or failing
// disk), then open the store anew.
type StoppedError struct {
	File string
	Err  error
}

// Error names the file and the commit's error, and says what to do.
func (e *StoppedError) Error() string {
	return fmt.Sprintf("boltstore: %s: stopped, because a commit failed: %v: check the disk, then reopen the store", e.File, e.Err)
}

// Unwrap returns the error of the commit that failed.
func (e *StoppedError) Unwrap() error { return e.Err }
