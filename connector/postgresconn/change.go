package postgresconn

import (
	"fmt"
	"time"
)

// Op is what happened to a row.
type Op uint8

const (
	// Snapshot is a row that was there when the capture began.
	Snapshot Op = iota + 1
	// Insert is a new row.
	Insert
	// Modify is a row that was updated.
	Modify
	// Delete is a row that is gone.
	Delete
	// Truncate says that all rows are gone; it has no row.
	Truncate
)

var opNames = [...]string{Snapshot: "snapshot", Insert: "insert", Modify: "update", Delete: "delete", Truncate: "truncate"}

// String returns the name of the operation in SQL, or "snapshot".
func (o Op) String() string {
	if o >= Snapshot && o <= Truncate {
		return opNames[o]
	}

	return fmt.Sprintf("op(%d)", uint8(o))
}

// Change is one change of a row, as [Changes] hands it out.
type Change[T any] struct {
	Op Op
	// Before is the row that was updated or deleted, where the database tells: with its key
	// columns alone, unless the table has REPLICA IDENTITY FULL. An update that leaves the
	// key as it is has none.
	Before *T
	// After is the row as it is now; nil for Delete and Truncate.
	After *T
	// Unchanged are the columns of After that an update left as they were and that the
	// database did not send, because their values are large and stored apart. Their fields
	// are zero. A table with REPLICA IDENTITY FULL has none.
	Unchanged []string
	// LSN is the place of the commit in the write-ahead log; 0 for Snapshot.
	LSN uint64
	// Time is when the transaction was committed; zero for Snapshot.
	Time time.Time
	// XID is the transaction; 0 for Snapshot.
	XID uint32
	// Origin is the replication origin that the transaction was made under; empty for one
	// that began in this database.
	Origin string
}
