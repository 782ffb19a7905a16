package main

import (
	"context"
	"sync"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// faultySink fails, hangs, takes only a part, panics, and takes everything and reports
// failure. excuse learns of each message that can come twice for it.
type faultySink[T any] struct {
	connector.Sink[T]

	dice   *dice
	name   string
	excuse func(T)
	// rare has faults come so many times less often.
	rare int
}

func (s *faultySink[T]) fault(what string, oneIn int) bool {
	return s.dice.fault(s.name+" "+what, oneIn*max(1, s.rare))
}

// Describe passes on what the sink declares.
func (s *faultySink[T]) Describe() connector.Capabilities { return connector.Describe(s.Sink) }

// Flush passes on to the sink.
func (s *faultySink[T]) Flush(ctx context.Context) error {
	if f, ok := s.Sink.(connector.Flusher); ok {
		return f.Flush(ctx)
	}

	return nil
}

// Write implements connector.Sink.
func (s *faultySink[T]) Write(ctx context.Context, messages []connector.Message[T]) error {
	switch {
	case s.fault("fails", 100):
		return transient()
	case s.fault("hangs", 1000):
		return s.hang(ctx, messages)
	case s.fault("panics", 400):
		panic("a panic of the soak")
	case len(messages) > 1 && s.fault("takes a part", 50):
		return s.part(ctx, messages)
	}
	if err := s.Sink.Write(ctx, messages); err != nil {
		if connector.ClassOf(err) == connector.ClassAmbiguous {
			s.excuseAll(messages)
		}

		return err
	}
	s.dice.passed.Add(int64(len(messages)))
	if s.fault("takes all and reports failure", 200) {
		s.excuseAll(messages)

		return connector.Ambiguous(errFault)
	}

	return nil
}

// hang is told apart by nobody from a sink that took the messages.
func (s *faultySink[T]) hang(ctx context.Context, messages []connector.Message[T]) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	s.excuseAll(messages)

	return hang(ctx)
}

func (s *faultySink[T]) excuseAll(messages []connector.Message[T]) {
	for _, m := range messages {
		s.excuse(m.Value)
	}
}

// part takes the first half.
func (s *faultySink[T]) part(ctx context.Context, messages []connector.Message[T]) error {
	half := len(messages) / 2
	if err := s.Sink.Write(ctx, messages[:half]); err != nil {
		return err
	}
	partial := connector.NewPartialError(len(messages))
	for i := range messages {
		if i < half {
			partial.Members[i].Fate = connector.Accepted
		} else {
			partial.Members[i] = connector.Member{Fate: connector.Failed, Err: transient()}
		}
	}

	return partial
}

// faultyQueue is a queue whose Write is that of a faultySink and whose readers fail to
// settle, before or after they have done it.
type faultyQueue[T any] struct {
	connector.Queue[T]

	sink *faultySink[T]
}

func newFaultyQueue[T any](queue connector.Queue[T], dice *dice, name string, excuse func(T)) *faultyQueue[T] {
	return &faultyQueue[T]{queue, &faultySink[T]{queue, dice, name, excuse, 20}}
}

// Describe passes on what the queue declares.
func (q *faultyQueue[T]) Describe() connector.Capabilities { return connector.Describe(q.Queue) }

// Write implements connector.Sink.
func (q *faultyQueue[T]) Write(ctx context.Context, messages []connector.Message[T]) error {
	return q.sink.Write(ctx, messages)
}

// Open implements connector.Source.
func (q *faultyQueue[T]) Open(ctx context.Context) (connector.Reader[T], error) {
	if q.sink.dice.fault(q.sink.name+" does not open", 20) {
		return nil, transient()
	}
	r, err := q.Queue.Open(ctx)
	if err != nil {
		return nil, err
	}

	return &faultyReader[T]{Reader: r, of: q.sink, open: make(map[connector.Position]T)}, nil
}

type faultyReader[T any] struct {
	connector.Reader[T]

	of   *faultySink[T]
	mu   sync.Mutex
	open map[connector.Position]T
}

// Read implements connector.Reader.
func (r *faultyReader[T]) Read(ctx context.Context, limit int) ([]connector.Message[T], error) {
	if r.of.dice.fault(r.of.name+" does not read", 5000) {
		return nil, transient()
	}
	list, err := r.Reader.Read(ctx, limit)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range list {
		r.open[m.Position()] = m.Value
	}

	return list, err
}

// Settle implements connector.Reader. A message that goes back may have had its effect in
// one of the branches below.
func (r *faultyReader[T]) Settle(ctx context.Context, settlements []connector.Settlement) error {
	if r.of.dice.fault(r.of.name+" does not settle", 100) {
		return connector.Ambiguous(errFault)
	}
	if err := r.Reader.Settle(ctx, settlements); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range settlements {
		if value, ok := r.open[s.Position]; ok && s.Outcome == connector.Returned {
			r.of.excuse(value)
		}
		delete(r.open, s.Position)
	}
	if r.of.dice.fault(r.of.name+" settles and reports failure", 100) {
		return connector.Ambiguous(errFault)
	}

	return nil
}

// Close excuses what was not settled: it comes again.
func (r *faultyReader[T]) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, value := range r.open {
		r.of.dice.note(r.of.name + ": messages not settled at Close")
		r.of.excuse(value)
	}
	clear(r.open)

	return r.Reader.Close()
}

// Extend passes on to the reader.
func (r *faultyReader[T]) Extend(ctx context.Context, positions []connector.Position) error {
	if e, ok := r.Reader.(connector.Extender); ok {
		return e.Extend(ctx, positions)
	}

	return nil
}

// Finish passes on to the reader.
func (r *faultyReader[T]) Finish() {
	if f, ok := r.Reader.(connector.Finisher); ok {
		f.Finish()
	}
}

// faultyStore fails to confirm, before or after it has done it, and to update. excuse
// learns of each key that can pass twice for it.
type faultyStore struct {
	connector.Store

	dice   *dice
	name   string
	excuse func(key string)
}

// Describe passes on what the store declares.
func (s *faultyStore) Describe() connector.Capabilities { return connector.Describe(s.Store) }

// Confirm implements connector.Claims.
func (s *faultyStore) Confirm(ctx context.Context, ttl time.Duration, claims ...connector.Claim) error {
	if s.dice.fault(s.name+" does not confirm", 200) {
		for _, c := range claims {
			s.excuse(c.Key)
		}

		return transient()
	}
	if err := s.Store.Confirm(ctx, ttl, claims...); err != nil {
		return err
	}
	if s.dice.fault(s.name+" confirms and reports failure", 200) {
		return connector.Ambiguous(errFault)
	}

	return nil
}

// Update implements connector.Store.
func (s *faultyStore) Update(ctx context.Context, fn func(tx connector.KV) error) error {
	if s.dice.fault(s.name+" does not update", 3000) {
		return transient()
	}

	return s.Store.Update(ctx, fn)
}

// faultyStep panics at times, fails at others, and hangs.
func faultyStep[In, Out any](dice *dice, name string, fn func(In) (Out, error)) func(context.Context, In) (Out, error) {
	return func(ctx context.Context, in In) (Out, error) {
		var none Out
		switch {
		case dice.fault(name+" panics", 1500):
			panic("a panic of the soak")
		case dice.fault(name+" fails", 200):
			return none, transient()
		case dice.fault(name+" hangs", 8000):
			return none, hang(ctx)
		}

		return fn(in)
	}
}
