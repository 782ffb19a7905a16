package flow

import "sync"

// use closes a reader when nobody is inside it any more. Close must not overlap with Read
// or Settle, and a run that gave up cannot wait for a driver that hangs: then whoever
// comes out last closes.
type use struct {
	shut func() error
	// mu is the lock of the book, so that the tab can go in and out where it has it anyway.
	mu     *sync.Mutex
	inside int
	closed bool
}

// enter reports whether the reader may be used; leave follows.
func (u *use) enter() bool {
	u.mu.Lock()
	defer u.mu.Unlock()

	return u.goIn()
}

func (u *use) leave() {
	u.mu.Lock()
	last := u.goOut()
	u.mu.Unlock()
	u.left(last)
}

// goIn is enter for who has the lock.
func (u *use) goIn() bool {
	if u.closed {
		return false
	}
	u.inside++

	return true
}

// goOut is leave for who has the lock. What it returns is to be passed to left without it.
func (u *use) goOut() (last bool) {
	u.inside--

	return u.closed && u.inside == 0
}

func (u *use) left(last bool) {
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
