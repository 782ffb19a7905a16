// Package sqlitetest runs the SQL connector against SQLite. It is a module of its own, so
// that the driver is no dependency of the library.
package sqlitetest
