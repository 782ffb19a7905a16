package memory

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// The methods below are called under the source's lock.

// choose picks what is handed out next: what came back first, then what is new.
func (s *Source[T]) choose(limit int) []int {
	s.reclaim()
	chosen := make([]int, 0, min(limit, len(s.back)+len(s.items)-s.fresh))
	if len(s.back) > 0 {
		now := time.Now()
		for len(s.back) > 0 && len(chosen) < limit && !s.items[s.back[0]].due.After(now) {
			chosen = append(chosen, s.back[0])
			s.back = s.back[1:]
		}
	}
	for ; len(chosen) < limit && s.fresh < len(s.items); s.fresh++ {
		if s.away[s.items[s.fresh].part] {
			s.parked = append(s.parked, s.fresh)
		} else {
			chosen = append(chosen, s.fresh)
		}
	}

	return chosen
}

// reclaim takes back the messages whose lease has ended.
func (s *Source[T]) reclaim() {
	if s.caps.Lease == 0 {
		return
	}
	now := time.Now()
	for index := s.low; index < s.fresh; index++ {
		if it := &s.items[index]; it.leased() && !it.due.After(now) {
			it.owner.forget(index)
			s.putBack(index, time.Time{})
		}
	}
}

// settle records the outcome of an item that its owner has.
func (s *Source[T]) settle(index int, settlement connector.Settlement) {
	s.settled = append(s.settled, settlement)
	it := &s.items[index]
	if errors.Is(settlement.Cause, connector.ErrStopped) {
		it.attempt--
	}
	switch {
	case settlement.Outcome.Done():
		it.owner = nil
		s.inFlight--
		it.outcome = settlement.Outcome
		s.advance()
	case s.caps.Returns:
		s.putBack(index, time.Now().Add(settlement.Delay))
		it.outcome = settlement.Outcome
	default: // stays with its owner until Close
		s.inFlight--
		it.outcome = settlement.Outcome
	}
	s.wake()
}

// putBack takes an item from its owner and lines it up for redelivery.
func (s *Source[T]) putBack(index int, due time.Time) {
	it := &s.items[index]
	if it.outcome == connector.Pending {
		s.inFlight--
	}
	it.owner, it.due = nil, due
	if s.away[it.part] {
		s.parked = append(s.parked, index)

		return
	}
	s.lineUp(index)
}

func (s *Source[T]) lineUp(index int) {
	at, _ := slices.BinarySearchFunc(s.back, index, func(a, b int) int {
		return cmp.Or(s.items[a].due.Compare(s.items[b].due), cmp.Compare(a, b))
	})
	s.back = slices.Insert(s.back, at, index)
}

func (s *Source[T]) advance() {
	for s.low < s.fresh && s.items[s.low].outcome.Done() {
		s.low++
	}
}

// ended reports whether nothing will be handed out any more, as far as one can know.
func (s *Source[T]) ended() bool {
	held := (s.holdEOF || s.caps.Lease > 0) && s.inFlight > 0

	return s.finished && len(s.back) == 0 && !held
}

// pause says what a Read that found nothing waits for.
func (s *Source[T]) pause() pause {
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	p := pause{changed: s.changed}
	if len(s.back) > 0 {
		p.until(s.items[s.back[0]].due)
	}
	if s.caps.Lease == 0 {
		return p
	}
	for index := s.low; index < s.fresh; index++ {
		if s.items[index].leased() {
			p.until(s.items[index].due)
		}
	}

	return p
}

// leased reports whether a reader works on the item.
func (it *item[T]) leased() bool { return it.owner != nil && it.outcome == connector.Pending }

// forget takes an item that was lost off the order of an ordered source.
func (r *reader[T]) forget(index int) {
	if at := slices.Index(r.order, index); at >= 0 {
		r.order = slices.Delete(r.order, at, at+1)
	}
}

// pause is a wait for a change or for a time.
type pause struct {
	changed <-chan struct{}
	at      time.Time
}

// until makes the pause end at t, if it would be longer.
func (p *pause) until(t time.Time) {
	if p.at.IsZero() || t.Before(p.at) {
		p.at = t
	}
}

func (p *pause) wait(ctx context.Context) error {
	var due <-chan time.Time
	if !p.at.IsZero() {
		timer := time.NewTimer(time.Until(p.at))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-p.changed:
		return nil
	case <-due:
		return nil
	case <-ctx.Done():
		return ended(ctx)
	}
}
