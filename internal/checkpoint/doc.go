// Package checkpoint keeps in a SQL database what of a source is done, so that the drivers
// of SQL databases can write rows and the positions that they come from in one transaction.
//
// There are two parts. The sink leaves a mark for each message in the transaction of its
// rows, and does not write a message again that has one. The source, wrapped by [Source],
// moves a position on as messages are settled, starts behind it the next time, and removes
// the marks below it. So no message that was not settled is ever skipped at the source,
// whatever becomes of it on its way, and none is written twice by the sink.
//
// Each [Book.Begin] takes the checkpoint over: it counts an epoch up, which waits for
// transactions of an earlier epoch and fails the later ones. After it, the marks are
// complete, also where the result of a commit was lost.
package checkpoint
