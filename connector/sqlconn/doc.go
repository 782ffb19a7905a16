// Package sqlconn connects flows to SQL databases through database/sql. It imports no
// driver; the program that opens the *sql.DB chooses one.
//
// Sources:
//   - [Query] streams the rows of one query.
//   - [Pages] reads a table by an integer key, page by page, and resumes behind a key.
//   - [Claims] hands out the rows of a table as work, to many readers.
//   - [Outbox] hands out what was added to it in the user's own transactions.
//
// [Table] is a sink that inserts or upserts. With a [Checkpoint] or an [Inbox] each message
// has its row exactly once.
//
// Rows are structs. A field belongs to the column named by its tag, `sql:"column"`; an
// exported field without a tag to the column named like the field in snake case
// (CustomerID is customer_id); `sql:"-"` leaves the field out. Fields of an embedded
// struct count as fields of the outer one. A column that may be NULL needs a pointer or a
// sql.Null. Values always travel as bound arguments,
// never as SQL text.
//
// # Guarantees
//
// A Table is at least once; effectively once with Update or Keep; exactly once with a
// Checkpoint, where the source has the same positions in every run, or with an Inbox, where
// messages keep their ID and come again within the time that IDs are kept. A Query and a
// Pages start again, or behind the checkpoint. Claims and Outbox are at least once.
//
// # When the database fails
//
// Errors carry the class that their code implies: a lost connection, a deadlock or a
// busy database is transient, a violated constraint or a missing table is permanent, and
// a commit whose result nobody knows is ambiguous. The code is read from the method
// SQLState() string (PostgreSQL drivers), the method Code() int or the field
// ExtendedCode (SQLite drivers), or the field Number (MySQL and MariaDB drivers). Nothing
// here tries again: flow does, by the class.
//
//   - slow: a call lasts as long as its context; nothing else piles up meanwhile
//   - gone or restarted: what was not committed is not there, the error is transient, and
//     the next call takes a new connection. A Query ends; a Pages goes on behind its last
//     key; rows of a Claims come again when their lease ends
//   - full: the rows are rolled back, and the error is transient
//   - nonsense: a value that does not fit its field ends the reading with a permanent error
//     that names the row before it
//
// Sources and sinks are safe for concurrent use; a Reader follows the rules of
// [connector.Reader].
package sqlconn
