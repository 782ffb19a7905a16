// Package syncdir makes what was created or renamed in a directory durable.
package syncdir
