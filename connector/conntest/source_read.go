package conntest

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// read holds the cases of handing out.
func (c sourceCases[T]) read() {
	finite := unless(!c.h.Endless, "the source does not end")
	c.run("read/every message once", "", c.readAll)
	c.run("read/one at a time", "", c.readOneByOne)
	c.run("read/nothing there", finite, c.readEmpty)
	c.run("read/end of file is sticky", finite, c.readPastEnd)
	c.run("read/context already ended", "", c.readEnded)
	c.run("read/context ends while it waits", unless(c.h.Endless, "the source does not wait"), c.readCancelled)
	c.run("read/metadata stays until it is settled", "", c.readKeeps)
	c.run("open/context already ended", "", c.openEnded)
	c.run("open/closed without a read", "", func(t *testing.T) { c.open(t, 3).close() })
}

func (c sourceCases[T]) readAll(t *testing.T) {
	const n = 25
	o := c.open(t, n)
	var messages []connector.Message[T]
	for len(messages) < n {
		if o.eof {
			t.Fatalf("Read gave io.EOF after %d messages, want %d", len(messages), n)
		}
		messages = append(messages, o.read(7)...)
	}
	sameSet(t, c.h.Equal, valuesOf(messages), values(c.h.Value, n))
	checkIdentities(t, messages)
	o.settle(connector.Delivered, messages...)
	c.over(t, o)
}

// over checks that nothing more comes.
func (c sourceCases[T]) over(t *testing.T, o *session[T]) {
	t.Helper()
	if c.h.Endless {
		o.quiet(c.unit())

		return
	}
	for !o.eof {
		for _, m := range o.read(10) {
			t.Errorf("message %s came when there should be no more", m.ID())
		}
	}
}

func (c sourceCases[T]) readOneByOne(t *testing.T) {
	o := c.open(t, 3)
	var messages []connector.Message[T]
	for range 3 {
		messages = append(messages, o.read(1)...)
	}
	sameSet(t, c.h.Equal, valuesOf(messages), values(c.h.Value, 3))
	o.settle(connector.Delivered, messages...)
}

func (c sourceCases[T]) readEmpty(t *testing.T) {
	o := c.open(t, 0)
	if messages := o.read(10); len(messages) > 0 || !o.eof {
		t.Errorf("Read gave %d messages, io.EOF %v; want io.EOF alone", len(messages), o.eof)
	}
}

func (c sourceCases[T]) readPastEnd(t *testing.T) {
	o := c.open(t, 2)
	o.settle(connector.Delivered, o.take(2)...)
	c.over(t, o)
	for range 3 {
		if messages, err := o.readFor(o.wait, 10); len(messages) > 0 || !errors.Is(err, io.EOF) {
			t.Errorf("Read after io.EOF gave %d messages, error %v", len(messages), err)
		}
	}
}

func (c sourceCases[T]) readEnded(t *testing.T) {
	o := c.open(t, 3)
	messages, err := o.reader.Read(ended(t), 10)
	if len(messages) == 0 && !errors.Is(err, context.Canceled) {
		t.Errorf("Read: error %v, want the context's", err)
	}
	messages = append(messages, o.take(3-len(messages))...)
	sameSet(t, c.h.Equal, valuesOf(messages), values(c.h.Value, 3))
	o.settle(connector.Delivered, messages...)
}

// readCancelled settles while Read waits, as flow does.
func (c sourceCases[T]) readCancelled(t *testing.T) {
	o := c.open(t, 2)
	messages := o.take(2)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		more, err := o.reader.Read(ctx, 10)
		if len(more) > 0 {
			err = errors.New("a message came when there should be no more")
		}
		done <- err
	}()
	o.settle(connector.Delivered, messages...)
	pause(t, c.unit())
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Read: %v: want the context's error", err)
		}
	case <-c.context(t).Done():
		t.Fatal("Read waits on after its context has ended")
	}
	o.close()
}

func (c sourceCases[T]) readKeeps(t *testing.T) {
	o := c.open(t, 9)
	first := o.read(3)
	before := identify(first)
	rest := o.take(9 - len(first))
	for who := range identify(first) {
		if _, ok := before[who]; !ok {
			t.Errorf("the metadata changed to %s at %s by a later Read", who.id, who.position)
		}
	}
	sameSet(t, c.h.Equal, valuesOf(append(first, rest...)), values(c.h.Value, 9))
	o.settle(connector.Delivered, append(first, rest...)...)
}

func (c sourceCases[T]) openEnded(t *testing.T) {
	reader, err := c.source(t, 1).Open(ended(t))
	if err != nil {
		return
	}
	if err := reader.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
