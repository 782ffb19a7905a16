package httpconn

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/millrace-go/millrace/connector"
)

// exchange is one request on its way from ServeHTTP to a Reader, and its outcome on the
// way back.
type exchange[T any] struct {
	value  T
	fields connector.Fields
	// settled has room for the one settlement, so that nobody waits for a client.
	settled chan connector.Settlement
}

func newExchange[T any](value T, fields connector.Fields) *exchange[T] {
	return &exchange[T]{value: value, fields: fields, settled: make(chan connector.Settlement, 1)}
}

var (
	errNotOpen = errors.New("httpconn: no reader is open")
	errWaiting = errors.New("httpconn: too many requests wait")
)

// desk is where requests wait for a Reader. It counts them in when they enter, and out
// when they leave or when their message has its outcome.
type desk[T any] struct {
	maxWaiting int
	// wake holds a token while messages may wait that no Reader has been told of.
	wake chan struct{}

	mu      sync.Mutex
	readers int
	waiting int
	last    int64
	line    []*exchange[T]
}

func newDesk[T any](maxWaiting int) *desk[T] {
	return &desk[T]{maxWaiting: maxWaiting, wake: make(chan struct{}, 1)}
}

func (d *desk[T]) open() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.readers++
}

// enter counts a request in.
func (d *desk[T]) enter() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.readers == 0:
		return errNotOpen
	case d.waiting >= d.maxWaiting:
		return fmt.Errorf("%w: %d", errWaiting, d.waiting)
	}
	d.waiting++

	return nil
}

// leave counts a request out that was never queued.
func (d *desk[T]) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting--
}

// queue puts the message in line.
func (d *desk[T]) queue(e *exchange[T]) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.readers == 0 { // the last one closed while the body was read
		return errNotOpen
	}
	d.line = append(d.line, e)
	d.tell()

	return nil
}

// withdraw takes the message out of the line; it reports false when a Reader has it.
func (d *desk[T]) withdraw(e *exchange[T]) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := slices.Index(d.line, e)
	if at < 0 {
		return false
	}
	d.line = slices.Delete(d.line, at, at+1)
	d.waiting--

	return true
}

// take hands up to most messages to a Reader, which keeps them in taken.
func (d *desk[T]) take(partition string, most int, taken map[int64]*exchange[T]) []*exchange[T] {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := min(len(d.line), most)
	batch := slices.Clone(d.line[:n])
	d.line = slices.Delete(d.line, 0, n)
	if len(d.line) > 0 {
		d.tell() // another Reader
	}
	for _, e := range batch {
		d.last++
		e.fields.Position = connector.Position{Partition: partition, Offset: d.last}
		taken[d.last] = e
	}

	return batch
}

func (d *desk[T]) tell() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// settle passes outcomes on to the requests. Positions that taken does not have were
// settled before.
func (d *desk[T]) settle(settlements []connector.Settlement, taken map[int64]*exchange[T]) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range settlements {
		if e, ok := taken[s.Position.Offset]; ok {
			delete(taken, s.Position.Offset)
			d.finish(e, s)
		}
	}
}

// close gives back what one Reader has and, after the last one, what waits in line.
func (d *desk[T]) close(taken map[int64]*exchange[T]) {
	d.mu.Lock()
	defer d.mu.Unlock()
	back := connector.Settlement{Outcome: connector.Returned, Cause: connector.ErrStopped}
	for _, e := range taken {
		d.finish(e, back)
	}
	clear(taken)
	d.readers--
	if d.readers > 0 {
		return
	}
	for _, e := range d.line {
		d.finish(e, back)
	}
	d.line = nil
}

func (d *desk[T]) finish(e *exchange[T], s connector.Settlement) {
	d.waiting--
	e.settled <- s
}
