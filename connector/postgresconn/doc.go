// Package postgresconn connects flows to PostgreSQL through pgx: [Copy] is a sink that
// writes rows by COPY.
//
// Rows are structs. A field belongs to the column named by its tag, `sql:"column"`; an
// exported field without a tag to the column named like the field in snake case
// (CustomerID is customer_id); `sql:"-"` leaves the field out. Fields of an embedded
// struct count as fields of the outer one. These are the rules of package sqlconn.
//
// A [Copy] is safe for concurrent use.
package postgresconn
