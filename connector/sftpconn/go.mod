module github.com/millrace-go/millrace/connector/sftpconn

go 1.27.1

toolchain go1.27.4

replace github.com/millrace-go/millrace => ../..

require (
	github.com/millrace-go/millrace v0.0.0-00010101000000-000000000000
	github.com/pkg/sftp v1.13.12
	golang.org/x/crypto v0.59.0
)

require (
	github.com/kr/fs v0.1.0 // indirect
	go.etcd.io/bbolt v1.5.0 // indirect
	golang.org/x/sys v0.50.0 // indirect
)
