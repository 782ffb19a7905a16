package conntest

import (
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// answered is why cases do not apply to a source with Feed.
const answered = "the source answers with the outcome and hands nothing out again"

// feed holds the cases of a source whose messages are requests.
func (c sourceCases[T]) feed() {
	missing := unless(c.h.Feed != nil, "the harness has no Feed")
	c.run("feed/the outcome is the answer", missing, c.feedOutcomes)
	c.run("feed/no answer before the outcome", missing, c.feedWaits)
	c.run("feed/Close answers what has no outcome", missing, c.feedClosed)
}

// fed is a value that was sent to the source.
type fed[T any] struct {
	value  T
	answer chan connector.Outcome
}

// send feeds each value from a goroutine of its own.
func (c sourceCases[T]) send(o *session[T], values []T) {
	for _, value := range values {
		f := fed[T]{value: value, answer: make(chan connector.Outcome, 1)}
		o.fed = append(o.fed, f)
		go func() { f.answer <- c.h.Feed(o.t, o.source, value) }()
	}
}

// allAnswered checks that no client waits on after Close.
func (c sourceCases[T]) allAnswered(t *testing.T, o *session[T]) {
	if o == nil {
		return
	}
	timer := time.NewTimer(c.wait)
	defer timer.Stop()
	for _, f := range o.fed {
		select {
		case <-f.answer:
		case <-timer.C:
			t.Errorf("value %v was not answered, although the source is closed", f.value)

			return
		}
	}
}

// wantAnswer checks how the value was answered.
func (c sourceCases[T]) wantAnswer(t *testing.T, o *session[T], value T, want connector.Outcome) {
	t.Helper()
	for _, f := range o.fed {
		if !same(c.h.Equal, f.value, value) {
			continue
		}
		select {
		case got := <-f.answer:
			f.answer <- got // for allAnswered
			if got != want {
				t.Errorf("value %v was answered as %s, want %s", value, got, want)
			}
		case <-c.context(t).Done():
			t.Errorf("value %v was not answered, want %s", value, want)
		}

		return
	}
	t.Errorf("value %v was never sent", value)
}

func (c sourceCases[T]) feedOutcomes(t *testing.T) {
	o := c.open(t, len(connector.Outcomes))
	messages := snapshot(o.take(len(connector.Outcomes)))
	for i, m := range messages {
		o.settle(connector.Outcomes[i], m)
	}
	for i, m := range messages {
		c.wantAnswer(t, o, m.Value, connector.Outcomes[i])
	}
	o.quiet(c.unit())
}

func (c sourceCases[T]) feedWaits(t *testing.T) {
	o := c.open(t, 1)
	messages := snapshot(o.take(1))
	pause(t, c.unit())
	if len(o.fed[0].answer) > 0 {
		t.Error("the value was answered before there was an outcome")
	}
	o.settle(connector.Delivered, messages...)
	c.wantAnswer(t, o, messages[0].Value, connector.Delivered)
}

// feedClosed closes with one message done, one handed out, and one not read.
func (c sourceCases[T]) feedClosed(t *testing.T) {
	o := c.open(t, 3)
	messages := snapshot(o.take(2))
	o.settle(connector.Delivered, messages[0])
	c.wantAnswer(t, o, messages[0].Value, connector.Delivered)
	o.close()
	for _, value := range values(c.h.Value, 3) {
		if !same(c.h.Equal, value, messages[0].Value) {
			c.wantAnswer(t, o, value, connector.Returned)
		}
	}
}
