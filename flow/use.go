package flow

import "sync/atomic"

// use closes a reader when nobody is inside it any more. Close must not overlap with Read
// or Settle, and a run that gave up cannot wait for a driver that hangs: then whoever
// comes out last closes.
type use struct {
	shut func() error
	// state is twice the number of those inside, plus one when closed. It costs less than a
	// mutex, which an inline source would take four times for every chunk.
	state atomic.Int64
}

// enter reports whether the reader may be used; leave follows.
func (u *use) enter() bool {
	for {
		state := u.state.Load()
		if state&1 != 0 {
			return false
		}
		if u.state.CompareAndSwap(state, state+2) {
			return true
		}
	}
}

func (u *use) leave() {
	if u.state.Add(-2) == 1 {
		_ = guard(u.shut) // the run has ended: there is nobody to tell
	}
}

func (u *use) close() error {
	if u.state.Or(1) != 0 {
		return nil // closed already, or to be closed by whoever is inside
	}

	return guard(u.shut)
}
