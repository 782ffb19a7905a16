// Package boltcheck reads a bbolt file from end to end and finds every page that is not as
// bbolt writes it. bbolt itself has checksums for its two meta pages alone, and trusts the
// rest: a flipped bit in an element of a page would hide records, or end the process.
package boltcheck

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// File checks the file at path, which nobody may change meanwhile: its buckets are these,
// or it has none yet; every page is in use once or free; keys ascend and are found where
// a search looks for them; and every value is bound to its bucket and key (see Bind). It
// reads all of the file that is in use, once.
func File(path string, buckets ...string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	info, err := file.Stat()
	if err == nil {
		err = check(file, info.Size(), buckets, func(string, []byte, []byte) {})
	}

	return errors.Join(err, file.Close())
}

var order = binary.NativeEndian

// Sizes and marks of the format, version 2.
const (
	pageHeader    = 16 // id (8), flags (2), count (2), overflow (4)
	branchElement = 16 // pos (4), key size (4), page (8)
	leafElement   = 16 // flags (4), pos (4), key size (4), value size (4)
	bucketHeader  = 16 // root page (8), sequence (8)

	branchFlag   = 0x01
	leafFlag     = 0x02
	freelistFlag = 0x10
	bucketMark   = 0x01

	manyFree = 0xFFFF // the number of free pages stands in front of them
	deepest  = 64
)

// checker is one check under way.
type checker struct {
	file    io.ReaderAt
	size    int64 // of a page
	used    []bool
	buckets map[string]bool
	each    func(bucket string, key, value []byte)
}

func check(file io.ReaderAt, size int64, buckets []string, each func(bucket string, key, value []byte)) error {
	m, err := newestMeta(file, size)
	if err != nil {
		return err
	}
	c := &checker{file: file, size: m.pageSize, used: make([]bool, m.end), buckets: make(map[string]bool), each: each}
	c.used[0], c.used[1] = true, true
	if err := c.walk(m.root, span{}, c.bucket, 0); err != nil {
		return err
	}
	for _, name := range buckets {
		if !c.buckets[name] && len(c.buckets) > 0 {
			return fmt.Errorf("bucket %q is missing", name)
		}
		delete(c.buckets, name)
	}
	for name := range c.buckets {
		return fmt.Errorf("bucket %q is unknown", name)
	}
	if err := c.free(m.freelist); err != nil {
		return err
	}
	for id, used := range c.used {
		if !used {
			return fmt.Errorf("page %d is neither used nor free", id)
		}
	}

	return nil
}

// take notes that pages are in use, or free.
func (c *checker) take(id, n uint64) error {
	if id < 2 || n > uint64(len(c.used)) || id > uint64(len(c.used))-n {
		return fmt.Errorf("page %d is outside of the file", id)
	}
	for i := id; i < id+n; i++ {
		if c.used[i] {
			return fmt.Errorf("page %d is there twice", i)
		}
		c.used[i] = true
	}

	return nil
}

// page is a page with what it overflows into.
type page struct {
	id    uint64
	flags uint16
	count int
	data  []byte
}

func parsePage(data []byte) page {
	return page{id: order.Uint64(data), flags: order.Uint16(data[8:]), count: int(order.Uint16(data[10:])), data: data}
}

// load reads a page and takes it.
func (c *checker) load(id uint64) (page, error) {
	if err := c.take(id, 1); err != nil {
		return page{}, err
	}
	data := make([]byte, c.size)
	if _, err := c.file.ReadAt(data, int64(id)*c.size); err != nil {
		return page{}, fmt.Errorf("page %d: %w", id, err)
	}
	p := parsePage(data)
	if p.id != id {
		return page{}, fmt.Errorf("page %d says that it is page %d", id, p.id)
	}
	overflow := uint64(order.Uint32(data[12:]))
	if overflow == 0 {
		return p, nil
	}
	if err := c.take(id+1, overflow); err != nil {
		return page{}, fmt.Errorf("page %d and %d more: %w", id, overflow, err)
	}
	p.data = slices.Concat(data, make([]byte, int64(overflow)*c.size))
	if _, err := c.file.ReadAt(p.data[c.size:], int64(id+1)*c.size); err != nil {
		return page{}, fmt.Errorf("page %d: %w", id, err)
	}

	return p, nil
}

// free checks the list of free pages.
func (c *checker) free(id uint64) error {
	p, err := c.load(id)
	if err != nil {
		return err
	}
	if p.flags != freelistFlag {
		return fmt.Errorf("page %d is no list of free pages", id)
	}
	ids, n := p.data[pageHeader:], uint64(p.count)
	if p.count == manyFree {
		n, ids = order.Uint64(ids), ids[8:]
	}
	if n > uint64(len(ids)/8) {
		return fmt.Errorf("page %d lists %d free pages, which do not fit", id, n)
	}
	for i := range n {
		if err := c.take(order.Uint64(ids[8*i:]), 1); err != nil {
			return fmt.Errorf("page %d, free page %d: %w", id, i, err)
		}
	}

	return nil
}
