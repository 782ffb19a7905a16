package queueconn

import "time"

// entry is a message that was handed out at least once and is still in the queue.
type entry struct {
	seq     int64
	attempt int       // how often it was handed out
	spared  int       // how many of these do not count
	due     time.Time // zero, or when its delay ends
	parcel  any       // the message itself, where it is in memory
	stored  bool      // the storage has a standing of it

	settling   bool
	holder     *holder // while leased
	until      time.Time
	prev, next *entry
}

// schedule decides what is handed out next (invariant 15). It is a plain state machine: no lock, no
// clock, no input or output.
//
// Messages from head up to tail were never handed out and take no memory here, but for
// those apart. These and all others have an entry, which is in exactly one of ready,
// delayed and leased, or in a pick.
type schedule struct {
	head, tail int64
	live, dead int
	lost       uint64
	// apart are the messages behind head that were written with a delay; they ascend.
	apart       []int64
	maxAttempts int

	ready   heap // by sequence number
	delayed heap // by the end of the delay
	leased  map[int64]*entry
	leases  leases
}

func newSchedule(maxAttempts int) schedule {
	return schedule{
		maxAttempts: maxAttempts,
		leased:      map[int64]*entry{},
		ready:       heap{less: func(a, b *entry) bool { return a.seq < b.seq }},
		delayed:     heap{less: func(a, b *entry) bool { return a.due.Before(b.due) }},
	}
}

// advance makes ready what has become so by now.
func (s *schedule) advance(now time.Time) {
	for s.delayed.len() > 0 && !s.delayed.items[0].due.After(now) {
		e := s.delayed.pop()
		e.due = time.Time{}
		s.ready.push(e)
	}
	for e := s.leases.first; e != nil && !e.until.After(now); e = s.leases.first {
		s.leases.remove(e)
		delete(s.leased, e.seq)
		s.lost++
		s.comeBack(e)
	}
}

// postpone takes up messages that were written with a delay.
func (s *schedule) postpone(later []*entry) {
	for _, e := range later {
		s.apart = append(s.apart, e.seq)
		s.delayed.push(e)
	}
}

// fresh returns the first run of messages that were never handed out and have no entry.
func (s *schedule) fresh() (from, to int64) {
	for len(s.apart) > 0 && s.apart[0] <= s.head {
		s.head = max(s.head, s.apart[0]+1)
		s.apart = s.apart[1:]
	}
	if len(s.apart) > 0 {
		return s.head, min(s.tail, s.apart[0])
	}

	return s.head, s.tail
}

// next returns when advance will have something to do; zero if never.
func (s *schedule) next() time.Time {
	var at time.Time
	if s.delayed.len() > 0 {
		at = s.delayed.items[0].due
	}
	if e := s.leases.first; e != nil && (at.IsZero() || e.until.Before(at)) {
		at = e.until
	}

	return at
}

// comeBack makes an entry ready, or delayed if it is due later.
func (s *schedule) comeBack(e *entry) {
	e.holder, e.settling = nil, false
	if e.due.IsZero() {
		s.ready.push(e)
	} else {
		s.delayed.push(e)
	}
}

// gone forgets a leased entry that was settled.
func (s *schedule) gone(e *entry) { delete(s.leased, e.seq) }

// pick is what the next Read may hand out: entries that came back, then up to max fresh
// messages with from <= sequence number < to.
type pick struct {
	back     []*entry
	from, to int64
	max      int
}

func (p pick) empty() bool { return len(p.back) == 0 && p.from == p.to }

// pick takes up to n messages. One on its last attempt comes alone.
func (s *schedule) pick(n int) pick {
	from, to := s.fresh()
	p := pick{from: from, to: from}
	for s.ready.len() > 0 && len(p.back) < n {
		alone := s.last(s.ready.items[0])
		if alone && len(p.back) > 0 {
			return p
		}
		p.back = append(p.back, s.ready.pop())
		if alone {
			return p
		}
	}
	if len(p.back) < n {
		p.to, p.max = to, n-len(p.back)
	}

	return p
}

// last reports whether the entry failed before and has one attempt left.
func (s *schedule) last(e *entry) bool { return e.counted() > 0 && e.counted()+1 == s.maxAttempts }

// worn reports whether the entry has used up its attempts.
func (s *schedule) worn(e *entry) bool { return e.counted() >= s.maxAttempts }

// counted is how many attempts count.
func (e *entry) counted() int { return e.attempt - e.spared }

// unpick undoes pick.
func (s *schedule) unpick(p pick) {
	for _, e := range p.back {
		s.ready.push(e)
	}
}
