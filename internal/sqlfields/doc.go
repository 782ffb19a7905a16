// Package sqlfields says which field of a struct stands for which column, for the drivers
// of SQL databases: the `sql:"column"` tag, or else the name of the field in snake case.
package sqlfields
