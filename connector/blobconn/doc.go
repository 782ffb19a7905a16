// Package blobconn makes the objects of a bucket that share a prefix a folder of package
// fileconn: a source takes them with [fileconn.Folder] or [fileconn.FolderRows], a sink
// makes new ones with [fileconn.Upload]. The bucket is one of gocloud.dev/blob, with a
// driver that you import: S3, Google Cloud Storage, Azure, a directory, memory.
//
//	bucket, err := blob.OpenBucket(ctx, "s3://orders?region=eu-central-1")
//	inbox, err := blobconn.New(bucket, blobconn.Config{Name: "s3://orders", Prefix: "in/"})
//	rows, err := fileconn.FolderRows(inbox, format, fileconn.FolderConfig{Store: store, Atomic: true, …})
//
// # Guarantee
//
// At least once, both ways, as the fileconn page says. An object appears whole or not at
// all, so FolderConfig.Atomic is right for it. An upload carries its MD5, which the driver
// checks, never replaces an object where the store can promise that, and is looked at again
// for its size. Moving an object is a copy and a removal: a crash between them leaves both,
// and the move goes on where it was when it is asked for again.
//
// # Failure
//
// No call is repeated here, but some drivers repeat requests of their own. A store that is
// away is a transient error; a permission that lacks, and what a store cannot do, are
// permanent ones. An upload whose answer is lost is ambiguous.
//
// An object that is replaced while it is read is read as it was, where the store keeps
// versions of what is open; at its end, an error says that another one has its name. It is
// told by size, time in whole seconds, and MD5 where the store has one.
package blobconn
