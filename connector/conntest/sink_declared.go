package conntest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// declared holds the cases of what a sink declares of itself, and of the opposite.
func (c sinkCases[T]) declared() {
	if c.caps.Idempotent {
		c.run("write/the same again", "", c.writeAgain)
	} else {
		c.run("write/the same again is there twice, or refused", unless(!c.caps.Transactional, "the sink declares Transactional"), c.writeTwice)
	}
	c.run("durable/is there without a flush", unless(c.caps.Durable, "Durable"), c.durable)
	transactional := unless(c.caps.Transactional, "Transactional")
	c.run("transaction/a position has one effect", transactional, c.onePosition)
}

// writeTwice is the opposite of Idempotent.
func (c sinkCases[T]) writeTwice(t *testing.T) {
	o := c.open(t)
	messages := c.messages(0, 3)
	o.write(messages)
	err := o.sink.Write(c.context(t), messages)
	want := values(c.h.Value, 3)
	for i, m := range o.members(len(messages), err) {
		if m.Fate == connector.Accepted {
			want = append(want, messages[i].Value)
		}
	}
	sameSet(t, c.h.Equal, o.flushed(), want)
}

// durable looks at what was accepted while the sink is still open.
func (c sinkCases[T]) durable(t *testing.T) {
	o := c.open(t)
	o.write(c.messages(0, 40))
	sameSet(t, c.h.Equal, o.contents(t), values(c.h.Value, 40))
	o.write(c.messages(40, 1))
	sameSet(t, c.h.Equal, o.contents(t), values(c.h.Value, 41))
}

// onePosition writes other values under the positions of the first ones, alone and among
// new ones.
func (c sinkCases[T]) onePosition(t *testing.T) {
	o := c.open(t)
	o.write(c.messages(0, 3))
	again := c.messages(0, 3)
	for i := range again {
		again[i].Value = c.h.Value(50 + i)
	}
	o.write(again)
	o.write(append(again[:1:1], c.messages(3, 2)...))
	sameSet(t, c.h.Equal, o.flushed(), values(c.h.Value, 5))
}

// edges holds the cases of values and metadata at their bounds.
func (c sinkCases[T]) edges() {
	c.run("edge/values", unless(len(c.h.Edges) > 0, "the harness has no Edges"), func(t *testing.T) {
		o := c.open(t)
		list := messages(func(i int) T { return c.h.Edges[i] }, 0, len(c.h.Edges))
		o.write(list)
		o.holds(valuesOf(list))
	})
	c.run("edge/metadata", "", c.edgeMetadata)
}

// edgeMetadata writes values under unusual metadata. A sink that stores it may refuse a
// message, but then it says so, and has not got it.
func (c sinkCases[T]) edgeMetadata(t *testing.T) {
	o := c.open(t)
	list := c.messages(0, 4)
	many := map[string]string{"": "", "empty": "", "accents": "naïve ✓", "line\r\nbreak": "a\r\nb"}
	for i := range 100 {
		many[fmt.Sprint("name-", i)] = strings.Repeat("x", 100)
	}
	list[1] = connector.NewMessage(list[1].Value, connector.Fields{ID: strings.Repeat("i", 2000), Headers: many})
	list[2] = connector.NewMessage(list[2].Value, connector.Fields{ID: "\x00\xff ", Key: "\n"})
	err := o.sink.Write(c.context(t), list)
	for i, m := range o.members(len(list), err) {
		if class := connector.ClassOf(m.Err); m.Err != nil && class != connector.ClassPermanent {
			t.Errorf("message %d: class %s of %v, want permanent", i, class, m.Err)
		}
	}
	o.fates(list, err)
}
