// Package postgresconn connects flows to PostgreSQL through pgx: [Copy] is a sink that
// writes rows by COPY, and [Changes] a source of the changes of a table, by logical
// replication. With a [Checkpoint] each message has its row exactly once.
//
// Rows are structs. A field belongs to the column named by its tag, `sql:"column"`; an
// exported field without a tag to the column named like the field in snake case
// (CustomerID is customer_id); `sql:"-"` leaves the field out. Fields of an embedded
// struct count as fields of the outer one. These are the rules of package sqlconn.
//
// # Guarantees
//
// A Copy is at least once; effectively once with Update or Keep; exactly once with a
// Checkpoint, where the source has the same positions in every run, as a Changes has. A
// Changes is at least once: what was not settled comes again, and nothing is left out.
//
// # When the database fails
//
// Errors carry the class that their SQLSTATE implies. Nothing here tries again: flow does,
// by the class.
//
//   - slow: a Write lasts as long as its context; a context that ends breaks the connection
//     off, and rolls the Write back
//   - gone or restarted: what was not committed is not there, and the error is transient; a
//     commit whose answer is lost is ambiguous, and a Checkpoint finds out which it was
//   - full: the Write is rolled back, and the error is transient
//     A Changes that nobody reads, or whose messages are not settled, has the server keep
//     its write-ahead log, which fills the disk: watch pg_replication_slots
//   - a standby takes over: before PostgreSQL 17 the slot is not there, and Open fails
//   - nonsense: a table that does not fit the struct fails the Write with a permanent error
//     that names fields and columns
//
// # Cost
//
// BenchmarkCopy writes batches of 10,000 structs of six fields in turn through pgx's
// CopyFrom and through a Copy. On two cores that had other work beside it, a Copy took 175
// ns of this process's CPU a row where CopyFrom took 1007, and wrote 1.5 times the rows a
// second (one run; two runs of CopyFrom against each other differed by 7 % in rows and 5 %
// in CPU). With one bad row in a thousand, BenchmarkBadRows wrote 168,000 rows a second
// where the error names the line, and 34,000 where it does not.
//
// A [Copy], a [Checkpoint] and a [Changes] are safe for concurrent use; a Reader follows
// the rules of [connector.Reader].
package postgresconn
