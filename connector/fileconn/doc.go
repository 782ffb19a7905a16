// Package fileconn reads and writes files of records: CSV, NDJSON and plain lines.
//
// A source reads one file after the other in constant memory. [CSV], [NDJSON] and [Lines]
// stop with an error at the first bad record. [CSVRows], [NDJSONRows] and [LinesRows] hand
// out good and bad records alike, as [transform.Row], so that a flow validates them,
// dead-letters the bad ones with their text, and counts an outcome for each:
//
//	rows, err := fileconn.CSVRows[Order](fileconn.SourceConfig{Paths: []string{"orders.csv"}}, transform.CSVConfig{})
//
// [Folder] and [FolderRows] take files as they come into a folder, in any format that is a
// [transform.Decoder]: each once, over all processes that share a store, when it is
// complete, and put it away when its messages are done. The folder is a [FileSystem]: a
// [Dir] of this machine, or one of another driver.
//
// A file that changes while it is read stops the source with a [*ChangedError]; see
// [Source] for what is seen and what cannot be.
//
// A sink accepts a message when its bytes are on disk: see [Sink] for what holds in each
// [Mode].
//
// Sources and sinks are safe for concurrent use; a Reader is used as
// [connector.Reader] says.
package fileconn
