package memory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// SendTo adds values to a partition: their positions are "name:1" and so on, where the
// number counts all messages of the source. Send adds to the partition "memory".
func (s *Source[T]) SendTo(name string, values ...T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.send(name, values)
}

func (s *Source[T]) send(name string, values []T) {
	for _, value := range values {
		s.items = append(s.items, item[T]{value: value, part: name})
	}
	s.wake()
}

// Revoke takes partitions away, as a rebalance does. Nothing of them is handed out from
// now on; then every open Reader waits, with the function given to its OnRevoke, until
// what it handed out is settled. When that has returned, the partitions are gone: what is
// still in flight is taken from its Reader, whose settlement has no effect any more, and
// counts as put back. Assign brings the partitions back. Meanwhile they do not hold io.EOF
// back.
//
// The error is that of a Reader's function, or says how many messages were in flight
// although no function failed: a driver avoids that by waiting inside of Read, a test by
// calling Revoke when everything waits (synctest.Wait). The source must declare Partitioned.
func (s *Source[T]) Revoke(ctx context.Context, partitions ...string) error {
	waits, err := s.sendAway(partitions)
	if err != nil {
		return err
	}
	var errs []error
	for _, wait := range waits {
		errs = append(errs, wait(ctx, slices.Clone(partitions)))
	}
	lost := s.giveUp(partitions)
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("memory: revoke %q: %w", partitions, err)
	}
	if lost > 0 {
		return fmt.Errorf("memory: revoke %q: %d messages are still in flight", partitions, lost)
	}

	return nil
}

// sendAway stops handing out and returns the functions that wait.
func (s *Source[T]) sendAway(partitions []string) ([]func(context.Context, []string) error, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.caps.Partitioned {
		return nil, connector.Permanent(fmt.Errorf("memory: revoke %q: declare Partitioned first", partitions))
	}
	if s.away == nil {
		s.away = map[string]bool{}
	}
	for _, name := range partitions {
		s.away[name] = true
	}
	s.back = slices.DeleteFunc(s.back, func(index int) bool {
		gone := s.away[s.items[index].part]
		if gone {
			s.parked = append(s.parked, index)
		}

		return gone
	})
	s.wake()
	var waits []func(context.Context, []string) error
	for _, r := range s.readers {
		if r.revoked != nil {
			waits = append(waits, r.revoked)
		}
	}

	return waits, nil
}

// giveUp takes what is in flight from its readers and counts it.
func (s *Source[T]) giveUp(partitions []string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	lost := 0
	for index := s.low; index < s.fresh; index++ {
		if it := &s.items[index]; it.owner != nil && slices.Contains(partitions, it.part) {
			if it.leased() {
				lost++
			}
			it.owner.forget(index)
			s.putBack(index, time.Time{})
		}
	}
	s.wake()

	return lost
}

// Assign brings partitions back that were revoked.
func (s *Source[T]) Assign(partitions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range partitions {
		delete(s.away, name)
	}
	s.parked = slices.DeleteFunc(s.parked, func(index int) bool {
		back := !s.away[s.items[index].part]
		if back {
			s.lineUp(index)
		}

		return back
	})
	s.wake()
}

// OnRevoke implements connector.Revoker.
func (r *reader[T]) OnRevoke(wait func(ctx context.Context, partitions []string) error) {
	r.source.mu.Lock()
	defer r.source.mu.Unlock()
	r.revoked = wait
}
