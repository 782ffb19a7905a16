package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/millrace-go/millrace/connector"
)

// Log is a Book with a database to run its transactions in.
type Log interface {
	// Begin takes the checkpoint over; see [Book.Begin].
	Begin(ctx context.Context) (map[string]int64, error)
	// Advance records what is done; see [Book.Advance].
	Advance(ctx context.Context, done map[string]int64) error
}

// Source is the inner source, read from where the log says that it is done.
func Source[T any](inner connector.Source[T], log Log) connector.Source[T] {
	return &source[T]{inner, log}
}

type source[T any] struct {
	inner connector.Source[T]
	log   Log
}

// Describe declares what the inner source does, and that settlements must come in order.
func (s *source[T]) Describe() connector.Capabilities {
	caps := connector.Describe(s.inner)
	caps.Ordered = true

	return caps
}

// CheckHealth asks the inner source.
func (s *source[T]) CheckHealth(ctx context.Context) error {
	if checker, ok := s.inner.(connector.HealthChecker); ok {
		return checker.CheckHealth(ctx)
	}

	return nil
}

var errTakesBack = errors.New("a source that takes messages back keeps account of them by itself: it needs no checkpoint")

// Open implements connector.Source.
func (s *source[T]) Open(ctx context.Context) (connector.Reader[T], error) {
	if caps := connector.Describe(s.inner); caps.Returns || caps.Lease > 0 || caps.Partitioned {
		return nil, connector.Permanent(fmt.Errorf("checkpoint of source %s: %w", caps.Name, errTakesBack))
	}
	done, err := s.log.Begin(ctx)
	if err != nil {
		return nil, err
	}
	inner, err := s.open(ctx, done)
	if err != nil {
		return nil, err
	}

	return &reader[T]{Reader: inner, log: s.log, done: done, stuck: make(map[string]bool)}, nil
}

func (s *source[T]) open(ctx context.Context, done map[string]int64) (connector.Reader[T], error) {
	resumer, ok := s.inner.(connector.Resumer[T])
	if !ok {
		return s.inner.Open(ctx)
	}
	positions := make([]connector.Position, 0, len(done))
	for partition, offset := range done {
		positions = append(positions, connector.Position{Partition: partition, Offset: offset})
	}

	return resumer.OpenAfter(ctx, positions)
}

// reader leaves out what is done.
type reader[T any] struct {
	connector.Reader[T]

	log  Log
	done map[string]int64 // when the reading began; only Read looks at it
	// stuck are partitions with a message that was returned; only Settle looks at them.
	stuck map[string]bool

	settling sync.Mutex // Settle of the inner reader never runs concurrently with itself

	mu sync.Mutex
	// open are the positions that the inner reader handed out and that are not settled, in
	// order; those that were left out among them.
	open []place
}

type place struct {
	position connector.Position
	leftOut  bool
}

// Read implements connector.Reader.
func (r *reader[T]) Read(ctx context.Context, limit int) ([]connector.Message[T], error) {
	for {
		messages, err := r.Reader.Read(ctx, limit)
		rest := r.leaveOut(messages)
		if lost := r.settleLeftOut(ctx); lost != nil && err == nil {
			err = lost
		}
		if len(rest) > 0 || err != nil {
			return rest, err
		}
	}
}

// settleLeftOut settles what nothing that is open stands before, so that a long part that
// is done takes no memory.
func (r *reader[T]) settleLeftOut(ctx context.Context) error {
	r.settling.Lock()
	defer r.settling.Unlock()
	list := r.leadingLeftOut()
	if len(list) == 0 {
		return nil
	}

	return r.Reader.Settle(ctx, list)
}

// leadingLeftOut takes them from the list.
func (r *reader[T]) leadingLeftOut() []connector.Settlement {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []connector.Settlement
	for len(r.open) > 0 && r.open[0].leftOut {
		list = append(list, connector.Settlement{Position: r.open[0].position, Outcome: connector.Duplicate})
		r.open = r.open[1:]
	}

	return list
}

func (r *reader[T]) leaveOut(messages []connector.Message[T]) []connector.Message[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	rest := messages[:0]
	for _, m := range messages {
		p := m.Position()
		offset, begun := r.done[p.Partition]
		leftOut := begun && p.Offset <= offset
		r.open = append(r.open, place{p, leftOut})
		if !leftOut {
			rest = append(rest, m)
		}
	}

	return rest
}

// Settle makes the position durable before the inner source hears of it. A partition whose
// message came back stays where it is, whatever else is done by then.
func (r *reader[T]) Settle(ctx context.Context, settlements []connector.Settlement) error {
	done := make(map[string]int64)
	for _, s := range settlements {
		if !s.Outcome.Done() {
			r.stuck[s.Position.Partition] = true
		}
		if !r.stuck[s.Position.Partition] {
			done[s.Position.Partition] = s.Position.Offset
		}
	}
	if len(done) > 0 {
		if err := r.log.Advance(ctx, done); err != nil {
			return err
		}
	}
	r.settling.Lock()
	defer r.settling.Unlock()
	all := make([]connector.Settlement, 0, len(settlements))
	for _, s := range settlements {
		all = append(append(all, r.leadingLeftOut()...), s)
		r.forget(s.Position)
	}

	return r.Reader.Settle(ctx, all)
}

// forget takes a position that is settled from the list, unless it was settled before.
func (r *reader[T]) forget(position connector.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.open) > 0 && r.open[0].position == position {
		r.open = r.open[1:]
	}
}
