package flow

import "sync"

// use closes a reader when nobody is inside it any more. Close must not overlap with Read
// or Settle, and a run that gave up cannot wait for a driver that hangs: then whoever
// comes out last closes.
type use struct {
	shut func() error

	mu     sync.Mutex
	inside int
	closed bool
}

// enter reports whether the reader may be used; leave follows.
func (u *use) enter() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return false
	}
	u.inside++

	return true
}

func (u *use) leave() {
	u.mu.Lock()
	u.inside--
	last := u.closed && u.inside == 0
	u.mu.Unlock()
	if last {
		_ = guard(u.shut) // the run has ended: there is nobody to tell
	}
}

func (u *use) close() error {
	u.mu.Lock()
	already, busy := u.closed, u.inside > 0
	u.closed = true
	u.mu.Unlock()
	if already || busy {
		return nil
	}

	return guard(u.shut)
}
