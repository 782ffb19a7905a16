// Package boltstore is a connector.Store in one file of this process, kept with bbolt.
//
// Every change is on disk, synced, before its call returns. Concurrent callers share
// commits: while one commit is being synced, the calls that arrive wait together for the
// next, so 32 callers pay for about two syncs and not for 32.
//
// Only one process can have the file open. All methods of [Store] are safe for concurrent
// use. The package starts no goroutine.
//
// # Isolation
//
// Get, Put, Delete, Confirm and Update are serialisable. Scan outside a transaction reads
// in chunks, so that a slow loop keeps nothing open: each entry is as it was when its
// chunk was read, keys are strictly ascending, and no entry that stays unchanged
// throughout is missed or repeated. Scan inside Update sees one state.
//
// # The clock
//
// Claims are kept in memory, by the monotonic clock of the process. What is stored with an
// end of life, confirmations included, ends by the wall clock: sooner when that is set
// forward, and later, by as much as it is set back.
//
// # Damage
//
// Open reads the whole file once, about a second for each gigabyte, and refuses one in
// which a record could be hidden: a damaged page, list of pages, or key. Every record
// carries a format version and a checksum over its key and content; one whose content
// does not match gives a *[CorruptError] when it is used. Put and Delete with
// connector.Any replace or remove such a record. When a commit fails, nobody knows what the disk holds: the store
// stops, and every later call returns a *[StoppedError].
package boltstore
