package boltcheck

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

const (
	magic   = 0xED0CDAED
	version = 2

	metaSum  = 56 // the checksum stands behind what it covers
	metaSize = metaSum + 8

	leastPage = 512
	mostPage  = 1 << 20
)

// meta is what a meta page says of the whole file.
type meta struct {
	pageSize    int64
	root        uint64
	freelist    uint64
	end         uint64 // behind the last page
	transaction uint64
}

var errCut = errors.New("the file is cut short")

// newestMeta reads both meta pages. bbolt would go on with the older one where the newer is
// damaged, which forgets the last commit without a word. Neither can be torn: what
// matters is in one sector of the disk.
func newestMeta(file io.ReaderAt, size int64) (meta, error) {
	first, err := readMeta(file, 0)
	if err != nil {
		return meta{}, err
	}
	second, err := readMeta(file, first.pageSize)
	if err != nil {
		return meta{}, err
	}
	newer, older := first, second
	if older.transaction > newer.transaction {
		newer, older = older, newer
	}
	switch {
	case newer.transaction != older.transaction+1 || second.pageSize != first.pageSize:
		return meta{}, fmt.Errorf("the meta pages do not follow each other: transactions %d and %d",
			first.transaction, second.transaction)
	case newer.end < 2 || newer.end > uint64(size/newer.pageSize):
		return meta{}, fmt.Errorf("%w: it has %d bytes, and wants %d pages of %d bytes", errCut, size, newer.end, newer.pageSize)
	}

	return newer, nil
}

func readMeta(file io.ReaderAt, at int64) (meta, error) {
	data := make([]byte, pageHeader+metaSize)
	if _, err := file.ReadAt(data, at); err != nil {
		return meta{}, fmt.Errorf("meta page at %d: %w", at, err)
	}
	data = data[pageHeader:]
	if order.Uint32(data) != magic || order.Uint32(data[4:]) != version {
		return meta{}, fmt.Errorf("meta page at %d: this is no bbolt file of version %d", at, version)
	}
	sum := fnv.New64a()
	_, _ = sum.Write(data[:metaSum]) // it never fails
	if sum.Sum64() != order.Uint64(data[metaSum:]) {
		return meta{}, fmt.Errorf("meta page at %d: checksum does not match", at)
	}
	m := meta{
		pageSize: int64(order.Uint32(data[8:])), root: order.Uint64(data[16:]),
		freelist: order.Uint64(data[32:]), end: order.Uint64(data[40:]), transaction: order.Uint64(data[48:]),
	}
	if m.pageSize < leastPage || m.pageSize > mostPage || m.pageSize&(m.pageSize-1) != 0 {
		return meta{}, fmt.Errorf("meta page at %d: pages of %d bytes", at, m.pageSize)
	}

	return m, nil
}
