package conntest

import (
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// close holds the cases of a sink that can be closed.
func (c sinkCases[T]) close() {
	c.run("write/no goroutine is left", "", func(t *testing.T) {
		o, n := c.open(t), 0
		c.steady(t, func() {
			o.write(c.messages(n, 2))
			n += 2
		})
	})
	missing := unless(c.closer, "the sink is no io.Closer")
	c.run("close/what was accepted is there", missing, c.closeAccepted)
	if missing == "" {
		missing = unless(!c.h.SingleWriter, "the sink has a single writer")
	}
	c.run("close/while it is written to", missing, c.closeWriting)
}

func (o target[T]) shut() {
	o.t.Helper()
	closer, ok := o.sink.(io.Closer)
	if !ok {
		o.t.Fatal("the sink is no io.Closer any more")
	}
	if err := closer.Close(); err != nil {
		o.t.Errorf("Close: %v", err)
	}
}

// closeAccepted also writes to the closed sink: that may fail, but it must be true what it
// says. A second Close does no harm.
func (c sinkCases[T]) closeAccepted(t *testing.T) {
	o := c.open(t)
	o.write(c.messages(0, 3))
	o.shut()
	want := values(c.h.Value, 3)
	sameSet(t, c.h.Equal, o.contents(t), want)
	late := c.messages(3, 1)
	for i, m := range o.members(1, o.sink.Write(c.context(t), late)) {
		if m.Fate == connector.Accepted {
			want = append(want, late[i].Value)
		}
	}
	o.shut()
	sameSet(t, c.h.Equal, o.contents(t), want)
}

// closeWriting closes the sink between the Writes of several writers, the last of which
// come when it is closed.
func (c sinkCases[T]) closeWriting(t *testing.T) {
	const writers, before, most, late = 3, 6, 40, 2
	o := c.open(t)
	var accepted sync.Map
	var count atomic.Int32
	var wg sync.WaitGroup
	enough, closed := make(chan struct{}), make(chan struct{})
	for w := range writers {
		wg.Go(func() {
			for i := range most {
				if i == most-late {
					<-closed
				}
				n := w*most + i
				if o.sink.Write(t.Context(), c.messages(n, 1)) == nil {
					accepted.Store(n, true)
				}
				if count.Add(1) == before {
					close(enough)
				}
			}
		})
	}
	<-enough
	o.shut()
	close(closed)
	wg.Wait()
	o.shut()
	got := o.contents(t)
	accepted.Range(func(i, _ any) bool {
		if unused(c.h.Equal, got, make([]bool, len(got)), c.h.Value(i.(int))) < 0 {
			t.Errorf("value %d was accepted and is lost", i)
		}

		return true
	})
}
