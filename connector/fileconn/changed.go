package fileconn

import (
	"fmt"

	"github.com/millrace-go/millrace/connector"
)

// Change is what happened to a file while it was read.
type Change uint8

const (
	// Grew means that the file is longer than when it was opened: its writer goes on, or
	// has begun it anew and has come further than before.
	Grew Change = iota
	// Shrank means that the file is shorter than when it was opened.
	Shrank
	// Rewritten means that the file was written to and has the same length.
	Rewritten
	// Replaced means that the path leads to another file now.
	Replaced
	// Removed means that the path leads to no file any more.
	Removed
)

var changes = [...]string{"it grew", "it shrank", "it was written to", "another file took its place", "it was moved or removed"}

var remedies = [...]string{
	"wait until its writer is done, or have the writer rename it into place when it is",
	"what was cut off is lost to this source; have its writer make a new file instead, and rename it into place",
	"have its writer make a new file instead, and rename it into place",
	"all of the file that was opened has been read; start again to read the other one",
	"all of it has been read; move a file only when the pipeline has ended",
}

// ChangedError says that a file changed while it was read. Every record that was handed
// out had been read before the change; the source stops there. It is transient where a
// new start reads a whole file (Grew, Replaced), and permanent elsewhere.
type ChangedError struct {
	Path   string
	Change Change
	// Byte is how far the file had been read.
	Byte int64
	// Was and Is are its sizes when it was opened and now. Is is that of the open file,
	// not of one that took its place.
	Was, Is int64
}

// Error names the change and the byte, and says what to do. The path stands in the error
// that wraps this one.
func (e *ChangedError) Error() string {
	i := int(e.Change) % len(changes)

	return fmt.Sprintf("the file changed while it was read: at byte %d, %s (%d bytes when it was opened, %d now); %s",
		e.Byte, changes[i], e.Was, e.Is, remedies[i])
}

// classified gives the error its class.
func (e *ChangedError) classified() error {
	if e.Change == Grew || e.Change == Replaced {
		return connector.Transient(e)
	}

	return connector.Permanent(e)
}
