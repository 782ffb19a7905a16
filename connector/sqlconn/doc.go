// Package sqlconn connects flows to SQL databases through database/sql: [Query] is a
// source that streams the rows of a query, [Table] a sink that inserts or upserts. It
// imports no driver; the program that opens the *sql.DB chooses one.
//
// Rows are structs. A field belongs to the column named by its tag, `sql:"column"`; an
// exported field without a tag to the column named like the field in snake case
// (CustomerID is customer_id); `sql:"-"` leaves the field out. Fields of an embedded
// struct count as fields of the outer one. A column that may be NULL needs a pointer or a
// sql.Null. Values always travel as bound arguments,
// never as SQL text.
//
// Errors carry the class that their code implies: a lost connection, a deadlock or a
// busy database is transient, a violated constraint or a missing table is permanent, and
// a commit whose result nobody knows is ambiguous. The code is read from the method
// SQLState() string (PostgreSQL drivers), the method Code() int or the field
// ExtendedCode (SQLite drivers), or the field Number (MySQL and MariaDB drivers).
//
// Query and Table are safe for concurrent use; a Reader follows the rules of
// [connector.Reader].
package sqlconn
