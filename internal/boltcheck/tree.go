package boltcheck

import (
	"bytes"
	"errors"
	"fmt"
)

// span is where the keys of a page must lie: from its first, up to but without to. nil is
// no bound.
type span struct{ from, to []byte }

// visit is called for each element of a leaf.
type visit func(flags uint32, key, value []byte) error

// walk checks the tree under a page.
func (c *checker) walk(id uint64, keys span, each visit, depth int) error {
	if depth > deepest {
		return fmt.Errorf("page %d: the tree is more than %d pages deep", id, deepest)
	}
	p, err := c.load(id)
	if err != nil {
		return err
	}
	switch p.flags {
	case branchFlag:
		err = c.branch(p, keys, each, depth)
	case leafFlag:
		err = p.leaf(keys, each)
	default:
		err = fmt.Errorf("neither branch nor leaf: flags %#x", p.flags)
	}
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}

	return nil
}

func (c *checker) branch(p page, keys span, each visit, depth int) error {
	if p.count == 0 {
		return errors.New("a branch without elements")
	}
	d := newData(p, branchElement)
	from := make([][]byte, p.count)
	for i := range from {
		e := d.element(i)
		key, err := d.cut(i, order.Uint32(e), order.Uint32(e[4:]))
		if err != nil {
			return err
		}
		if err := keys.narrow(i, key); err != nil {
			return err
		}
		from[i] = key
	}
	for i, key := range from {
		below := span{key, keys.to}
		if i+1 < len(from) {
			below.to = from[i+1]
		}
		if err := c.walk(order.Uint64(d.element(i)[8:]), below, each, depth+1); err != nil {
			return err
		}
	}

	return nil
}

func (p page) leaf(keys span, each visit) error {
	// Nothing follows the header of an empty leaf; elsewhere the places of the elements
	// prove their number.
	if p.count == 0 && bytes.ContainsFunc(p.data[pageHeader:], func(r rune) bool { return r != 0 }) {
		return errors.New("a leaf that says it is empty, and is not")
	}
	d := newData(p, leafElement)
	for i := range p.count {
		e := d.element(i)
		size := order.Uint32(e[8:])
		both, err := d.cut(i, order.Uint32(e[4:]), size, order.Uint32(e[12:]))
		if err != nil {
			return err
		}
		key := both[:size:size]
		if err := keys.narrow(i, key); err != nil {
			return err
		}
		if err := each(order.Uint32(e), key, both[size:]); err != nil {
			return err
		}
	}

	return nil
}

// narrow checks the next key of a page: the first may be equal to the bound, the others
// ascend.
func (s *span) narrow(i int, key []byte) error {
	order := bytes.Compare(key, s.from)
	if len(key) == 0 || order < 0 || order == 0 && i > 0 || s.to != nil && bytes.Compare(key, s.to) >= 0 {
		return fmt.Errorf("key %d, %.40q, is out of order", i, key)
	}
	s.from = key

	return nil
}

// data is the part of a page that follows the header: elements, then keys and values in
// the same order, without a gap.
type data struct {
	page
	size int // of an element
	next int // offset of the next key
}

func newData(p page, size int) *data {
	return &data{page: p, size: size, next: pageHeader + size*p.count}
}

// element returns the i-th element; it is empty where the page is too short.
func (d *data) element(i int) []byte {
	at := pageHeader + d.size*i
	if at+d.size > len(d.data) {
		return make([]byte, d.size)
	}

	return d.data[at : at+d.size]
}

// cut returns the key and value of the i-th element, which says where they are.
func (d *data) cut(i int, pos uint32, sizes ...uint32) ([]byte, error) {
	at, size := d.next, 0
	for _, n := range sizes {
		size += int(n)
	}
	if int(pos) != at-(pageHeader+d.size*i) || size > len(d.data)-at {
		return nil, fmt.Errorf("element %d is not where it belongs", i)
	}
	d.next += size

	return d.data[at:d.next], nil
}

var errNoBucket = errors.New("a record outside of a bucket, or a bucket inside another")

// bucket checks an element of the root: a bucket, with its tree elsewhere or its only
// leaf inside the element.
func (c *checker) bucket(flags uint32, key, value []byte) error {
	if flags != bucketMark || len(value) < bucketHeader {
		return fmt.Errorf("%q: %w", key, errNoBucket)
	}
	name := string(key)
	c.buckets[name] = true
	each := func(flags uint32, key, value []byte) error {
		if flags != 0 {
			return fmt.Errorf("bucket %q, key %.40q: %w", name, key, errNoBucket)
		}
		if !Bound(value, name, key) {
			return fmt.Errorf("bucket %q, key %.40q: the key does not match its checksum", name, key)
		}
		c.each(name, key, value)

		return nil
	}
	if root := order.Uint64(value); root != 0 {
		if len(value) != bucketHeader {
			return fmt.Errorf("bucket %q has a page inside and one outside", name)
		}

		return c.walk(root, span{}, each, 1)
	}
	if len(value) < bucketHeader+pageHeader {
		return fmt.Errorf("bucket %q is cut short", name)
	}
	p := parsePage(value[bucketHeader:])
	if p.flags != leafFlag || p.id != 0 || order.Uint32(p.data[12:]) != 0 {
		return fmt.Errorf("bucket %q: the page inside is no leaf", name)
	}

	return p.leaf(span{}, each)
}
