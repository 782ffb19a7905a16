package conntest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// write holds the cases of what the sink accepts.
func (c sinkCases[T]) write() {
	c.run("write/accepts everything", "", c.writeAll)
	c.run("write/nothing", "", c.writeNothing)
	c.run("write/without metadata", "", c.writeBare)
	c.run("write/keeps no slice", "", c.writeAndReuse)
	c.run("write/context already ended", "", c.writeEnded)
	c.run("write/concurrently", unless(!c.h.SingleWriter, "the sink has a single writer"), c.writeConcurrently)
	c.run("flush/nothing", unless(c.flusher, "the sink is no Flusher"), c.flushNothing)
	c.run("health/works", unless(c.health, "the sink is no HealthChecker"), func(t *testing.T) {
		c.open(t).healthy()
	})
}

// target is a sink under test and what it holds.
type target[T any] struct {
	sinkCases[T]

	t        *testing.T
	sink     connector.Sink[T]
	contents func(testing.TB) []T
}

func (c sinkCases[T]) open(t *testing.T) target[T] {
	t.Helper()
	sink, contents := c.h.New(t)

	return target[T]{sinkCases: c, t: t, sink: sink, contents: contents}
}

func (o target[T]) write(messages []connector.Message[T]) {
	o.t.Helper()
	if err := o.sink.Write(o.context(o.t), messages); err != nil {
		o.t.Fatalf("Write: %v", err)
	}
}

// holds checks the contents, after a flush where the sink needs one.
func (o target[T]) holds(want []T) {
	o.t.Helper()
	got := o.flushed()
	if o.h.Unordered {
		sameSet(o.t, o.h.Equal, got, want)
	} else {
		sameValues(o.t, o.h.Equal, got, want)
	}
}

func (o target[T]) flushed() []T {
	o.t.Helper()
	if flusher, ok := o.sink.(connector.Flusher); ok {
		if err := flusher.Flush(o.context(o.t)); err != nil {
			o.t.Fatalf("Flush: %v", err)
		}
	}

	return o.contents(o.t)
}

func (o target[T]) healthy() {
	o.t.Helper()
	checkHealth(o.t, o.suite, o.sink)
}

func checkHealth(t *testing.T, s suite, endpoint any) {
	t.Helper()
	checker, ok := endpoint.(connector.HealthChecker)
	if !ok {
		t.Fatal("the endpoint is no HealthChecker any more")
	}
	ctx := s.context(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := checker.CheckHealth(ctx); err != nil {
				t.Errorf("CheckHealth: %v", err)
			}
		})
	}
	wg.Wait()
}

func (c sinkCases[T]) writeAll(t *testing.T) {
	o := c.open(t)
	messages := c.messages(0, 130)
	for _, size := range []int{1, 2, 100, 27} {
		o.write(messages[:size])
		messages = messages[size:]
	}
	o.holds(values(c.h.Value, 130))
}

func (c sinkCases[T]) writeNothing(t *testing.T) {
	o := c.open(t)
	o.write(nil)
	o.write([]connector.Message[T]{})
	o.holds(nil)
}

func (c sinkCases[T]) writeBare(t *testing.T) {
	o := c.open(t)
	o.write([]connector.Message[T]{{Value: c.h.Value(0)}})
	o.holds(values(c.h.Value, 1))
}

func (c sinkCases[T]) writeAndReuse(t *testing.T) {
	o := c.open(t)
	messages := c.messages(0, 3)
	o.write(messages)
	copy(messages, c.messages(50, 3))
	o.write(messages[:1])
	clear(messages)
	o.holds(append(values(c.h.Value, 3), c.h.Value(50)))
}

func (c sinkCases[T]) writeEnded(t *testing.T) {
	o := c.open(t)
	messages := c.messages(0, 3)
	err := o.sink.Write(ended(t), messages)
	o.fates(messages, err)
}

func (c sinkCases[T]) writeAgain(t *testing.T) {
	o := c.open(t)
	messages := c.messages(0, 3)
	o.write(messages)
	o.write(messages)
	o.write(messages[1:])
	o.holds(values(c.h.Value, 3))
}

func (c sinkCases[T]) writeConcurrently(t *testing.T) {
	o := c.open(t)
	ctx := c.context(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if err := o.sink.Write(ctx, c.messages(i*10, 10)); err != nil {
				t.Errorf("Write: %v", err)
			}
		})
	}
	wg.Wait()
	sameSet(t, c.h.Equal, o.flushed(), values(c.h.Value, 80))
}

func (c sinkCases[T]) flushNothing(t *testing.T) {
	o := c.open(t)
	o.holds(nil)
	o.write(c.messages(0, 2))
	o.holds(values(c.h.Value, 2))
	o.holds(values(c.h.Value, 2))
}

// messages returns n messages, the first with Value(from).
func (c sinkCases[T]) messages(from, n int) []connector.Message[T] {
	return messages(c.h.Value, from, n)
}

func messages[T any](value func(int) T, from, n int) []connector.Message[T] {
	list := make([]connector.Message[T], n)
	for i := range list {
		list[i] = connector.NewMessage(value(from+i), connector.Fields{
			ID:       fmt.Sprintf("message-%d", from+i),
			Position: connector.Position{Partition: "conntest", Offset: int64(from+i) + 1},
		})
	}

	return list
}
