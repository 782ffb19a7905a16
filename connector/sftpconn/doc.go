// Package sftpconn makes a folder of an SFTP server a folder of package fileconn: a source
// takes its files with [fileconn.Folder] or [fileconn.FolderRows], a sink puts files into it
// with [fileconn.Upload].
//
//	inbox, err := sftpconn.New(sftpconn.Config{
//		Address: "files.example.com:22", User: "orders", Folder: "/in",
//		Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKey: hostKeys,
//	})
//	rows, err := fileconn.FolderRows(inbox, format, fileconn.FolderConfig{Store: store, …})
//
// # Guarantee
//
// At least once, both ways, as the fileconn page says. An upload goes to a name that begins
// with a dot, is synced where the server can (OpenSSH does), compared with what was sent by
// size and, read back, by SHA-256, and renamed only then, never over a file that exists. The
// rename is the moment from which the messages are accepted; when the connection breaks in
// it, the error is ambiguous.
//
// # Failure
//
// The connection is made at the first call and again at the next call after it broke; no
// call is repeated. A server that is away, slow for longer than Config.Timeout, or breaks
// the connection, is a transient error. A wrong host key, a login that is refused, and a
// file without the permission are permanent ones. A context that ends breaks a call off
// after at most a second.
//
// Times of files have whole seconds in SFTP, and there is no identity of a file: one that
// is written anew with the same length within a second of its time is not noticed. Have
// writers upload to another name and rename, as this package does.
//
// Names stay within the folder, but nothing keeps a link on the server from leading out of
// it: links are not listed, and what an account may reach is the server's to decide.
package sftpconn
