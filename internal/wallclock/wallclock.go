// Package wallclock is the clock that stored times go by.
//
// A time that stays in the process comes from package time, whose monotonic reading no
// setting of the clock touches: leases, claims and time-outs. A time that is stored or
// sent is read by another process, or by this one after a restart. All that these share is
// the wall clock, which people and NTP set forward and back. Such a time comes from Now,
// is compared with Now, and becomes one of this process by Until, Past and Due as soon as it
// is read.
//
// Tests set the clock of their process with Jump. The functions may be called concurrently.
package wallclock

import (
	"sync/atomic"
	"time"
)

var offset atomic.Int64 //nolint:gochecknoglobals // there is one clock

// Now returns the time by the wall clock, without a monotonic reading.
func Now() time.Time { return time.Now().Round(0).Add(time.Duration(offset.Load())) }

// Jump sets the wall clock of this process forward, or back where by is negative, as seen
// through this package. It is for tests of this module.
func Jump(by time.Duration) { offset.Add(int64(by)) }

// Until returns how long it takes until t by the wall clock as it is now.
func Until(t time.Time) time.Duration { return t.Sub(Now()) }

// At returns the time by the wall clock at which local will come or has come. It is how a
// time of this process is stored. Here and below the clock is read last, so that what must
// not come too soon comes a moment late.
func At(local time.Time) time.Time {
	wait := time.Until(local)

	return Now().Add(wait)
}

// Past returns the time of this process at which something stored as t happened. One that
// lies ahead, because the clock was set back since, has happened just now.
func Past(t time.Time) time.Time {
	wait := min(Until(t), 0)

	return time.Now().Add(wait)
}

// Due returns the time of this process at which something is due that was stored at stamp
// to be due at t. If the clock was set back behind stamp since, it is due after its whole
// time from now, and not as much later as the clock was set back. A zero stamp is unknown.
func Due(t, stamp time.Time) time.Time {
	now := Now()
	wait := t.Sub(now)
	if !stamp.IsZero() && stamp.After(now) {
		wait = min(wait, t.Sub(stamp))
	}

	return time.Now().Add(wait)
}
