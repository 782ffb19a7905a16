package fileconn

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Mode is what a sink makes of its records.
type Mode uint8

const (
	// WholeFile writes one file that appears when it is complete.
	WholeFile Mode = iota
	// Parts writes numbered files, each of which appears when it is complete.
	Parts
	// Append adds to one file that is there all the time.
	Append
)

var modeNames = [...]string{"whole file", "parts", "append"}

// String returns the mode in words.
func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}

	return fmt.Sprintf("mode(%d)", uint8(m))
}

// DefaultPartBytes bounds a part where no other bound is given.
const DefaultPartBytes = 64 << 20

// SinkConfig says where a sink writes.
type SinkConfig struct {
	// Path is the file; its directory must exist. The parts of "out/orders.csv" are
	// "out/orders.part-000001.csv" and so on. Required.
	Path string
	// Mode is what the sink makes of its records. Default WholeFile.
	Mode Mode
	// Overwrite lets WholeFile replace a file that exists when the first record comes. By
	// default that is an error. Only with WholeFile.
	Overwrite bool
	// PartRecords, PartBytes and PartAge complete a part, whichever comes first: its
	// number of records, the bytes that one more record would exceed, and the time since
	// its first record. Only with Parts. Default 64 MiB, where all three are zero.
	PartRecords int
	PartBytes   int64
	PartAge     time.Duration
}

// complete checks the config and fills in what was left out.
func (c *SinkConfig) complete() error {
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("fileconn: SinkConfig."+format, args...))
	}
	if c.Path == "" {
		fail("Path is empty; name the file to write")
	}
	if int(c.Mode) >= len(modeNames) {
		fail("Mode is %v; want WholeFile, Parts or Append", c.Mode)
	}
	if c.Overwrite && c.Mode != WholeFile {
		fail("Overwrite is for WholeFile, not for %v", c.Mode)
	}
	if c.PartRecords < 0 || c.PartBytes < 0 || c.PartAge < 0 {
		fail("PartRecords is %d, PartBytes %d, PartAge %v; none may be negative", c.PartRecords, c.PartBytes, c.PartAge)
	}
	unbounded := c.PartRecords == 0 && c.PartBytes == 0 && c.PartAge == 0
	if !unbounded && c.Mode != Parts {
		fail("PartRecords, PartBytes and PartAge are for Parts, not for %v", c.Mode)
	}
	if unbounded && c.Mode == Parts {
		c.PartBytes = DefaultPartBytes
	}
	c.Path = filepath.Clean(c.Path)

	return connector.Permanent(errors.Join(errs...))
}
