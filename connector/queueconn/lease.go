package queueconn

import "time"

// holder is the identity of a Reader.
type holder struct {
	closed bool
}

// leases is a list of entries in the order in which their leases end. As all leases have
// the same length, a new or renewed one always goes to the back.
type leases struct {
	first, last *entry
}

func (l *leases) pushBack(e *entry) {
	e.prev, e.next = l.last, nil
	if l.last == nil {
		l.first = e
	} else {
		l.last.next = e
	}
	l.last = e
}

func (l *leases) remove(e *entry) {
	if e.prev == nil {
		l.first = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		l.last = e.prev
	} else {
		e.next.prev = e.prev
	}
	e.prev, e.next = nil, nil
}

// lease gives the entries to the holder.
func (s *schedule) lease(entries []*entry, h *holder, until time.Time) {
	for _, e := range entries {
		e.holder, e.until = h, until
		s.leased[e.seq] = e
		s.leases.pushBack(e)
	}
}

// held returns the entry if the holder has it and nobody is settling it.
func (s *schedule) held(seq int64, h *holder) *entry {
	e := s.leased[seq]
	if e == nil || e.holder != h || e.settling {
		return nil
	}

	return e
}

// settling takes the entry out of the leases that can end, for as long as its settlement
// is being committed.
func (s *schedule) settling(e *entry) {
	e.settling = true
	s.leases.remove(e)
}

// unsettled undoes settling after a commit that failed.
func (s *schedule) unsettled(e *entry, until time.Time) {
	e.settling, e.until = false, until
	s.leases.pushBack(e)
}

func (s *schedule) extend(e *entry, until time.Time) {
	e.until = until
	s.leases.remove(e)
	s.leases.pushBack(e)
}

// release gives back what the holder has.
func (s *schedule) release(h *holder) {
	for e := s.leases.first; e != nil; {
		following := e.next
		if e.holder == h {
			s.leases.remove(e)
			delete(s.leased, e.seq)
			s.comeBack(e)
		}
		e = following
	}
}
