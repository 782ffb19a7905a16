package flowtest

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Fault is something that a simulation does to an effect.
type Fault uint16

// The faults of a simulation. They can be combined with |.
const (
	// Failing effects do nothing and report an error that may pass.
	Failing Fault = 1 << iota
	// Refused effects do nothing and report a permanent error.
	Refused
	// TimingOut effects report nothing for 30 s and then an ambiguous error; half of them
	// have happened.
	TimingOut
	// Ambiguous effects report an ambiguous error at once; half of them have happened.
	Ambiguous
	// Partial Writes accept some of their messages, and Reads give messages together with
	// an error.
	Partial
	// Twice hands a message out twice, as a producer does that sends it again.
	Twice
	// Late effects happen after others that were wanted later, and after some time.
	Late
	// Shuffled Reads hand messages out in another order, unless the source is ordered.
	Shuffled
	// Crashing ends the process before or after the effect; it starts again on the same
	// sources, queues, stores and sinks. Its other effects under way do not happen.
	Crashing
	// Stopping stops the pipeline as an operator does; it is started again.
	Stopping
	// Leap lets up to an hour pass before the effect, so that leases and time-outs end.
	Leap
	// ClockSkew makes leases of a store end at once, or ten times later, as a store does
	// whose clock goes forward or backward, and sets the event times of a Read an hour
	// back or forward.
	ClockSkew

	allFaults = 1<<iota - 1
)

var faultNames = [...]string{
	"fails", "is refused for good", "times out", "is ambiguous", "works in part", "arrives twice", "is late",
	"out of order", "CRASH", "STOP", "time leaps", "clock skew",
}

// String returns what the trace says of the fault; the first one of several.
func (f Fault) String() string {
	if f == 0 || f > allFaults {
		return fmt.Sprintf("fault(%d)", uint16(f))
	}

	return faultNames[bits.TrailingZeros16(uint16(f))]
}

type faultSet = Fault

// What may happen to any effect, and to one that reports an error.
const (
	anywhere = Crashing | Stopping | Leap | Late
	fallible = anywhere | Failing | Refused | TimingOut | Ambiguous
)

// fate is what becomes of one effect.
type fate struct {
	fault Fault
	// done says of a fault that the effect happens all the same.
	done bool
	// end is set where there is no effect and no fault.
	end ending
}

type ending uint8

const (
	_ ending = iota
	// ended is an effect whose context has ended.
	ended
	// gone is an effect of a process that has crashed.
	gone
)

var (
	works   = fate{}
	refused = fate{end: gone}
	expired = fate{end: ended}
)

// ErrSimulated is in every error that a simulation makes up.
var ErrSimulated = errors.New("simulated")

var (
	errFails     = connector.Transient(fmt.Errorf("%w: it fails", ErrSimulated))
	errRefused   = connector.Permanent(fmt.Errorf("%w: it is refused for good", ErrSimulated))
	errTimesOut  = connector.Ambiguous(fmt.Errorf("%w: it times out", ErrSimulated))
	errAmbiguous = connector.Ambiguous(fmt.Errorf("%w: its answer is lost", ErrSimulated))
	errCrashed   = connector.Permanent(fmt.Errorf("%w: the process has crashed", ErrSimulated))
)

// slowness is how long a driver waits for an answer that does not come.
const slowness = 30 * time.Second

// error returns what the effect reports, where a fault says so.
func (f fate) error(ctx context.Context) error {
	switch f.end {
	case gone:
		return errCrashed
	case ended:
		return fmt.Errorf("simulated: %w", context.Cause(ctx))
	}
	switch f.fault {
	case Failing:
		return errFails
	case Refused:
		return errRefused
	case TimingOut:
		return errTimesOut
	case Ambiguous:
		return errAmbiguous
	default:
		return nil
	}
}

// happens reports whether the effect takes place.
func (f fate) happens() bool {
	switch {
	case f.end != 0:
		return false
	case f.fault&(Failing|Refused|TimingOut|Ambiguous) != 0:
		return f.done
	default:
		return true
	}
}

// text is what a trace says.
func (f fate) text() string {
	switch {
	case f.end == ended:
		return "its context has ended"
	case f.fault == 0:
		return ""
	case f.fault&(TimingOut|Ambiguous) != 0 && f.done:
		return f.fault.String() + ", but has happened"
	case f.fault&(TimingOut|Ambiguous) != 0:
		return f.fault.String() + ", and has not happened"
	default:
		return f.fault.String()
	}
}
