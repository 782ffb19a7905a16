package conntest

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// line is a queue under test with one reader.
type line[T any] struct {
	*session[T]

	queue connector.Queue[T]
}

// open makes a queue with the first n values in it and opens it.
func (c queueCases[T]) open(t *testing.T, n int) line[T] {
	t.Helper()
	o := line[T]{queue: c.h.New(t)}
	if n > 0 {
		c.write(t, o.queue, messages(c.h.Value, 0, n))
	}
	o.session = open(t, c.suite, o.queue)

	return o
}

func (c queueCases[T]) write(t *testing.T, queue connector.Queue[T], messages []connector.Message[T]) {
	t.Helper()
	if err := queue.Write(c.context(t), messages); err != nil {
		t.Fatalf("Write: %v", err)
	}
}

func (c queueCases[T]) depth(t *testing.T, queue connector.Queue[T]) connector.Depth {
	t.Helper()
	depth, err := queue.Depth(c.context(t))
	if err != nil {
		t.Fatalf("Depth: %v", err)
	}

	return depth
}

// short is a time within which no lease ends.
func (c queueCases[T]) short() time.Duration {
	if c.caps.Lease > 0 {
		return min(c.unit(), c.caps.Lease/4)
	}

	return c.unit()
}

// order holds the cases of writing and reading.
func (c queueCases[T]) order() {
	finish := unless(c.finisher, "the Reader is no Finisher")
	c.run("write/read in order", "", c.writeAndRead)
	c.run("write/nothing", "", c.writeNothing)
	c.run("write/keeps no slice", "", c.writeAndReuse)
	c.run("write/context already ended", "", c.writeEnded)
	c.run("write/metadata travels", unless(c.h.Metadata, "the queue carries values only"), c.metadata)
	c.run("read/wakes for a write", "", c.wake)
	c.run("read/context already ended", "", c.readEnded)
	c.run("read/context ends while it waits", "", func(t *testing.T) { c.open(t, 0).quiet(c.short()) })
	c.run("finish/ends when all is settled", finish, c.finish)
	c.run("finish/wakes a read", finish, c.finishWaiting)
	c.run("finish/waits for what is delayed", finish, c.finishDelayed)
	c.run("finish/holds until every reader is closed", finish, c.finishAgain)
}

func (c queueCases[T]) writeAndRead(t *testing.T) {
	o := c.open(t, 5)
	c.write(t, o.queue, messages(c.h.Value, 5, 1))
	got := o.take(6)
	c.write(t, o.queue, messages(c.h.Value, 6, 20))
	got = append(got, o.read(7)...)
	got = append(got, o.take(26-len(got))...)
	sameValues(t, c.h.Equal, valuesOf(got), values(c.h.Value, 26))
	checkIdentities(t, got)
	for i, m := range got {
		if m.Attempt() > 1 {
			t.Errorf("message %d comes for the first time with attempt %d", i, m.Attempt())
		}
	}
	o.settle(connector.Delivered, got...)
}

func (c queueCases[T]) writeNothing(t *testing.T) {
	o := c.open(t, 0)
	c.write(t, o.queue, nil)
	c.write(t, o.queue, []connector.Message[T]{})
	c.write(t, o.queue, []connector.Message[T]{{Value: c.h.Value(0)}})
	got := o.take(1)
	sameValues(t, c.h.Equal, valuesOf(got), values(c.h.Value, 1))
	o.settle(connector.Delivered, got...)
}

func (c queueCases[T]) writeAndReuse(t *testing.T) {
	o := c.open(t, 0)
	list := messages(c.h.Value, 0, 3)
	c.write(t, o.queue, list)
	copy(list, messages(c.h.Value, 50, 3))
	got := o.take(3)
	sameValues(t, c.h.Equal, valuesOf(got), values(c.h.Value, 3))
	o.settle(connector.Delivered, got...)
}

func (c queueCases[T]) writeEnded(t *testing.T) {
	o := c.open(t, 0)
	err := o.queue.Write(ended(t), messages(c.h.Value, 0, 2))
	depth := c.depth(t, o.queue)
	if err == nil && depth.Ready != 2 || err != nil && depth.Ready != 0 && connector.ClassOf(err) != connector.ClassAmbiguous {
		t.Errorf("%d messages were written by a Write with error %v", depth.Ready, err)
	}
}

func (c queueCases[T]) metadata(t *testing.T) {
	o := c.open(t, 0)
	fields := connector.Fields{
		ID: "order-1", Key: "customer-7", Time: time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC),
		Headers: map[string]string{"trace": "abc", "empty": ""},
	}
	c.write(t, o.queue, []connector.Message[T]{connector.NewMessage(c.h.Value(0), fields)})
	m := o.take(1)[0]
	if m.ID() != fields.ID || m.Key() != fields.Key || !m.Time().Equal(fields.Time) {
		t.Errorf("got ID %q, Key %q, Time %v", m.ID(), m.Key(), m.Time())
	}
	headers := 0
	for name, value := range m.Headers() {
		headers++
		if want, ok := fields.Headers[name]; !ok || value != want {
			t.Errorf("header %q is %q", name, value)
		}
	}
	if headers != len(fields.Headers) {
		t.Errorf("%d headers, want %d", headers, len(fields.Headers))
	}
	o.settle(connector.Delivered, m)
}

// wake writes while Read waits.
func (c queueCases[T]) wake(t *testing.T) {
	o := c.open(t, 0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		pause(t, c.short())
		if err := o.queue.Write(t.Context(), messages(c.h.Value, 0, 1)); err != nil {
			t.Errorf("Write: %v", err)
		}
	}()
	got := o.take(1)
	<-done
	sameValues(t, c.h.Equal, valuesOf(got), values(c.h.Value, 1))
	o.settle(connector.Delivered, got...)
}

func (c queueCases[T]) readEnded(t *testing.T) {
	o := c.open(t, 2)
	got, err := o.reader.Read(ended(t), 10)
	if len(got) == 0 && !errors.Is(err, context.Canceled) {
		t.Errorf("Read: error %v, want the context's", err)
	}
	got = append(got, o.take(2-len(got))...)
	sameValues(t, c.h.Equal, valuesOf(got), values(c.h.Value, 2))
	o.settle(connector.Delivered, got...)
}

// over checks that Read gives io.EOF, again and again.
func (c queueCases[T]) over(t *testing.T, o line[T]) {
	t.Helper()
	for range 2 {
		if got, err := o.readFor(c.wait, 10); len(got) > 0 || !errors.Is(err, io.EOF) {
			t.Errorf("Read gave %d messages, error %v; want io.EOF", len(got), err)
		}
	}
}

func (o line[T]) finish() {
	o.t.Helper()
	finisher, ok := o.reader.(connector.Finisher)
	if !ok {
		o.t.Fatal("the Reader is no Finisher any more")
	}
	finisher.Finish()
}

func (c queueCases[T]) finish(t *testing.T) {
	o := c.open(t, 3)
	got := o.take(2)
	o.finish()
	got = append(got, o.take(1)...)
	sameValues(t, c.h.Equal, valuesOf(got), values(c.h.Value, 3))
	if !o.eof { // what is leased could come again
		o.quiet(c.short())
	}
	if o.eof {
		t.Fatal("Read gave io.EOF while messages were leased")
	}
	o.settle(connector.Delivered, got...)
	c.over(t, o)
}

func (c queueCases[T]) finishWaiting(t *testing.T) {
	o := c.open(t, 0)
	timer := time.AfterFunc(c.short(), o.finish)
	defer timer.Stop()
	c.over(t, o)
}

func (c queueCases[T]) finishDelayed(t *testing.T) {
	o := c.open(t, 1)
	got := snapshot(o.take(1))
	o.finish()
	o.giveBack(errRefused, c.unit(), got...)
	again := o.take(1)
	checkRedelivered(t, got, again, 1)
	o.settle(connector.Delivered, again...)
	c.over(t, o)
}

// finishAgain closes the readers of a finished queue before its end, as a pipeline does
// that is stopped, and uses the queue again.
func (c queueCases[T]) finishAgain(t *testing.T) {
	o := c.open(t, 1)
	other := open(t, c.suite, o.queue)
	o.finish()
	o.close()
	got := other.take(1)
	other.close()
	c.write(t, o.queue, messages(c.h.Value, 1, 1))
	again := line[T]{open(t, c.suite, o.queue), o.queue}
	got = append(got[:0], again.take(2)...)
	sameSet(t, c.h.Equal, valuesOf(got), values(c.h.Value, 2))
	again.settle(connector.Delivered, got...)
	again.quiet(c.short())
	if again.eof {
		t.Error("Read gave io.EOF before anyone said that nothing more will come")
	}
}
