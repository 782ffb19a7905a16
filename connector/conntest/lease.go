package conntest

import (
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// leased holds the cases of a lease, for a session with n messages that expects nothing
// else. They are shared by sources and queues.
func leased[T any](s suite, caps connector.Capabilities, open func(t *testing.T, n int) *session[T]) {
	missing := unless(caps.Lease > 0, "Lease")
	if caps.Lease == 0 {
		s.run("lease/none: stays with its reader", "", func(t *testing.T) { staysLeased(s, open(t, 2)) })
	}
	s.run("lease/ends", missing, func(t *testing.T) { leaseEnds(t, caps, open(t, 2)) })
	s.run("lease/extended", missing, func(t *testing.T) { leaseExtended(t, caps, open(t, 1)) })
	s.run("lease/settled late is harmless", missing, func(t *testing.T) { leaseSettledLate(t, caps, open(t, 1)) })
	s.run("lease/settled does not come again", missing, func(t *testing.T) {
		o := open(t, 2)
		o.settle(connector.Delivered, o.take(2)...)
		o.quiet(caps.Lease + caps.Lease/2)
	})
	s.run("lease/extending what is lost", missing, func(t *testing.T) { leaseLost(t, caps, open(t, 2)) })
}

// staysLeased is the opposite of a lease: only Close brings a message back.
func staysLeased[T any](s suite, o *session[T]) {
	got := snapshot(o.take(2))
	if !o.eof {
		o.quiet(3 * s.unit())
	}
	o.settle(connector.Delivered, got...)
}

func leaseEnds[T any](t *testing.T, caps connector.Capabilities, o *session[T]) {
	before := snapshot(o.take(2))
	if o.eof {
		t.Fatal("Read gave io.EOF while a lease can end")
	}
	o.quiet(caps.Lease / 2)
	after := o.take(2)
	checkRedelivered(t, before, after, 1)
	o.settle(connector.Delivered, after...)
}

func leaseExtended[T any](t *testing.T, caps connector.Capabilities, o *session[T]) {
	before := o.take(1)
	position := before[0].Position()
	for range 4 {
		pause(t, caps.Lease/2)
		o.extend(position)
	}
	o.quiet(caps.Lease / 2)
	o.settle(connector.Delivered, before...)
	o.quiet(caps.Lease + caps.Lease/2)
}

// leaseSettledLate settles by the first delivery when the second is under way.
func leaseSettledLate[T any](t *testing.T, caps connector.Capabilities, o *session[T]) {
	before := snapshot(o.take(1))
	pause(t, caps.Lease+caps.Lease/4)
	after := o.take(1)
	checkRedelivered(t, before, after, 1)
	o.settle(connector.Delivered, before...)
	o.settle(connector.Delivered, after...)
	o.quiet(caps.Lease + caps.Lease/2)
}

func leaseLost[T any](t *testing.T, caps connector.Capabilities, o *session[T]) {
	before := snapshot(o.take(2))
	o.settle(connector.Delivered, before[0])
	o.extend(before[0].Position(), before[1].Position())
	o.quiet(caps.Lease / 2)
	o.settle(connector.Delivered, before[1])
}

// extend calls Extend, which the Reader of a source with a lease has.
func (o *session[T]) extend(positions ...connector.Position) {
	o.t.Helper()
	extender, ok := o.reader.(connector.Extender)
	if !ok {
		o.t.Fatal("there is a lease, but the Reader is no connector.Extender")
	}
	if err := extender.Extend(o.context(o.t), positions); err != nil {
		o.t.Fatalf("Extend: %v", err)
	}
}
