package fileconn

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Defaults of FolderConfig.
const (
	DefaultStable   = 10 * time.Second
	DefaultPoll     = 5 * time.Second
	DefaultLease    = time.Minute
	DefaultMaxFiles = 10_000
)

// Order is the order in which a reader takes the files that it finds.
type Order uint8

const (
	// ByName takes files in the order of their names.
	ByName Order = iota
	// ByTime takes files in the order of their modification times, then of their names.
	ByTime
)

// FolderConfig says which files a [FolderSource] takes, when, and what becomes of them.
// Files whose names begin with a dot are left alone, and so are folders and links.
type FolderConfig struct {
	// Store keeps claims and how far each file is done. Processes that share a folder must
	// share it. Required.
	Store connector.Store
	// Name stands for the folder in the store's keys, in errors and in metrics. Default: as
	// the file system calls itself. It must be the same in all processes.
	Name string

	// Include and Exclude are patterns for names, as path.Match has them: a file is taken
	// if it matches one of Include, or Include is empty, and none of Exclude.
	Include, Exclude []string
	// Order is the order of files. Default ByName.
	Order Order

	// Stable is how long size, modification time and identity of a file must have stayed
	// as they are before it is taken, as seen by the reader: its time alone says nothing,
	// because copying programs set it. Default 10 s.
	Stable time.Duration
	// Done is the suffix of a file beside each complete one: with ".done", "a.csv" is taken
	// as soon as "a.csv.done" is there, which is removed with it. Instead of Stable.
	Done string
	// Atomic says that writers rename complete files into the folder, so that each is taken
	// as soon as it is seen. Instead of Stable and Done.
	Atomic bool
	// Terminated says that every file ends with a line end, as in [SourceConfig].
	Terminated bool

	// Archive is the folder, within this one, to which files go when all of their messages
	// are done. Where the name is taken there, a stamp is added to it.
	Archive string
	// Delete removes such files instead. With neither, they stay, and the store remembers
	// them for as long as they do.
	Delete bool
	// Quarantine is the folder, within this one, to which a file goes that cannot be read
	// to its end, when the messages that it gave are done. Without it, such a file stops
	// the pipeline and stays where it is.
	Quarantine string

	// UntilEmpty ends the source with io.EOF when no file is left that it may take. It
	// waits for files that are not stable yet; those that others have claimed are left to
	// them. By default it waits for further files.
	UntilEmpty bool
	// Poll is how long it waits before it looks for further files. Default 5 s.
	Poll time.Duration
	// Lease is how long a claim on a file outlives its reader. It is renewed while the
	// reader is open. Default 1 min.
	Lease time.Duration
	// MaxFiles is the most files that the folder may hold; more are an error. Default
	// 10,000.
	MaxFiles int
}

// complete checks the config and fills in what was left out.
func (c *FolderConfig) complete(files FileSystem, format bool) error {
	var errs []error
	fail := func(text string, args ...any) {
		errs = append(errs, fmt.Errorf("fileconn: "+text, args...))
	}
	if files == nil || !format {
		fail("Folder needs a file system and a format")
	}
	if c.Store == nil {
		fail("FolderConfig.Store is nil; it keeps two readers from one file, and what is done")
	}
	if files != nil && c.Name == "" {
		c.Name = files.String()
	}
	for _, pattern := range append(append([]string{}, c.Include...), c.Exclude...) {
		if _, err := path.Match(pattern, ""); err != nil {
			fail("FolderConfig: pattern %q: %w", pattern, err)
		}
	}
	if c.Order > ByTime {
		fail("FolderConfig.Order is %d; want ByName or ByTime", c.Order)
	}
	if c.Atomic && (c.Stable != 0 || c.Done != "") || c.Done != "" && c.Stable != 0 {
		fail("FolderConfig: Stable, Done and Atomic each say when a file is complete; set one of them")
	}
	if strings.Contains(c.Done, "/") {
		fail("FolderConfig.Done is %q; want a suffix", c.Done)
	}
	errs = append(errs, c.checkFates()...)
	if c.Stable < 0 || c.Poll < 0 || c.Lease < 0 || c.MaxFiles < 0 {
		fail("FolderConfig: Stable is %v, Poll %v, Lease %v, MaxFiles %d; none may be negative", c.Stable, c.Poll, c.Lease, c.MaxFiles)
	}
	c.fillIn()

	return connector.Permanent(errors.Join(errs...))
}

// checkFates checks where files go.
func (c *FolderConfig) checkFates() []error {
	var errs []error
	if c.Archive != "" && c.Delete {
		errs = append(errs, errors.New("fileconn: FolderConfig has both Archive and Delete"))
	}
	if c.Archive != "" && c.Archive == c.Quarantine {
		errs = append(errs, fmt.Errorf("fileconn: FolderConfig.Archive and Quarantine are both %q", c.Archive))
	}
	for _, folder := range []string{c.Archive, c.Quarantine} {
		if folder != "" && (folder == "." || !fs.ValidPath(folder)) {
			errs = append(errs, fmt.Errorf("fileconn: FolderConfig: %q is no folder within this one; want a name such as \"done\"", folder))
		}
	}

	return errs
}

func (c *FolderConfig) fillIn() {
	if c.Stable == 0 && !c.Atomic && c.Done == "" {
		c.Stable = DefaultStable
	}
	if c.Poll == 0 {
		c.Poll = DefaultPoll
	}
	if c.Lease == 0 {
		c.Lease = DefaultLease
	}
	if c.MaxFiles == 0 {
		c.MaxFiles = DefaultMaxFiles
	}
}

// wants reports whether files with this name are taken.
func (c *FolderConfig) wants(name string) bool {
	if strings.HasPrefix(name, ".") || c.Done != "" && strings.HasSuffix(name, c.Done) {
		return false
	}

	return (len(c.Include) == 0 || matches(c.Include, name)) && !matches(c.Exclude, name)
}

func matches(patterns []string, name string) bool {
	for _, pattern := range patterns {
		if ok, err := path.Match(pattern, name); ok && err == nil {
			return true
		}
	}

	return false
}
