//go:build !unix

package fileconn_test

import "os"

// makePipe makes what is no regular file either, where there are no named pipes.
func makePipe(path string) error { return os.Mkdir(path, 0o700) }
