// Package queueconn is a connector.Queue[T] inside the process: in memory, or durable in
// one file kept with bbolt. Both are the same [Queue] over another storage, so they differ
// in durability and in nothing else.
//
// All methods of Queue are safe for concurrent use, and every Open is a competing reader.
// The package starts no goroutine.
//
// # Order
//
// Messages are handed out in the order in which they were accepted. A message that comes
// back keeps its place: it is handed out before everything accepted after it that is
// still there. While its delay runs, messages behind it overtake; so they do while one that
// was written with a NotBefore waits for it. With more than one
// reader, or more than one message in work, effects can happen in another order.
//
// # Leases and attempts
//
// A message that was handed out stays with its Reader until it is settled, until its lease
// ends without an Extend, or until Reader.Close. Attempt is 1 at first and counts up each
// time the message is handed out again, unless it was returned with connector.ErrStopped.
// A message that comes back from attempt Config.MaxAttempts becomes a dead letter inside
// the queue, with its cause; see [Queue.Dead], [Queue.Redrive] and [Queue.Discard].
//
// An attempt is a delivery, however it ended: settled as returned, by the end of the lease,
// by Reader.Close, or by the death of the process. The queue cannot know which message of
// those in work killed a process, so it counts for all of them: one that is innocent
// becomes a dead letter after as many kills, and Redrive brings it back. Raise
// Config.MaxAttempts where that is likely. An orderly stop of a pipeline returns what it
// has with connector.ErrStopped, and costs nothing.
//
// Before the last attempt it is handed out alone, so that a message which crashes the
// process does not take the others of its chunk with it.
//
// A settlement is ignored where the lease has been lost; [Queue.Lost] counts lost leases.
//
// # The clock
//
// Leases and delays go by the monotonic clock of the process, so setting the wall clock
// changes neither. The file says by the wall clock when a delay ends, and when it began:
// after a restart on a clock that was set back, a message waits for its whole delay once
// more at most; on one that was set forward it is ready at once.
//
// # Damage
//
// Open of a durable queue reads the whole file once, about a second for each gigabyte, and
// refuses one in which a message could be hidden, with a *[CorruptError]. A message whose
// own record is damaged becomes a dead letter, with a *[RecordError].
//
// # Finish
//
// Finish, of any Reader, is about the whole queue in this process: Write fails from then
// on for everyone, and each Reader gets io.EOF once nothing is left, which includes what
// other Readers have in work and what waits for its delay, but no dead letters. A pipeline
// that hops over a queue (flow's Via) finishes it when its near side has ended. So give
// each such pipeline a queue of its own, and feed a queue that several pipelines write to
// with To instead. When every Reader has been closed, the queue takes messages again,
// whether it was read to its end or not: whoever opens a Reader to call Finish for a
// pipeline that may be restarted closes it after that pipeline. It is not kept on disk.
//
// # Durability
//
// The durable queue syncs before Write and Settle return. Concurrent calls share a commit,
// and Read needs none. Leases end with the process: after reopening, everything that was
// not settled is ready again, delayed messages after their delay.
//
// So that a message which kills the process each time is counted, Read notes what it hands
// out in a second file, the path and ".attempts", before it returns. That is one write to
// the page cache of 20 bytes for each run of messages, without a sync (about 1 µs for a
// chunk). The note survives the death of the process. It may be lost when the machine
// loses power: then the attempts since the last return are not counted, and nothing else
// is lost. Removing the file resets these counts.
package queueconn
