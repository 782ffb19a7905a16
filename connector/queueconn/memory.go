package queueconn

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/placing"
)

// memory is storage that ends with the process.
type memory[T any] struct {
	cfg     Config
	publish publish

	mu   sync.Mutex
	tail int64
	// fresh are the messages up to tail that were never handed out; nil where one was written
	// with a delay. The schedule knows all others by their entry.
	fresh []*parcel[T]
	dead  []deadParcel[T]
	// found is what load returned last.
	found []loaded[T]
	// spare are parcels to be used again: most messages stay for a moment.
	spare []*parcel[T]
}

// mostSpare bounds the parcels that a queue keeps to use them again.
const mostSpare = 1024

type deadParcel[T any] struct {
	seq     int64
	parcel  *parcel[T]
	attempt int
	cause   error
}

func newMemory[T any](cfg Config, p publish) *memory[T] {
	return &memory[T]{cfg: cfg, publish: p}
}

func (s *memory[T]) prepare(m connector.Message[T]) (*parcel[T], error) {
	fields, due, err := parcelFields(m.Meta, s.cfg)

	if err != nil {
		return nil, err
	}
	p := s.blank()
	p.entry.due, p.fields, p.value = due, fields, m.Value

	return p, nil
}

func (s *memory[T]) blank() *parcel[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.spare) - 1
	if last < 0 {
		return &parcel[T]{}
	}
	p := s.spare[last]
	s.spare = s.spare[:last]

	return p
}

// forget keeps some of the parcels to be used again.
func (s *memory[T]) forget(entries []*entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range entries[:min(len(entries), mostSpare-len(s.spare))] {
		p := parcelOf[T](e)
		*p = parcel[T]{}
		s.spare = append(s.spare, p)
	}
}

func (s *memory[T]) add(ctx context.Context, parcels []*parcel[T]) error {
	note := placing.NoteOf(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	var later []*entry
	for _, p := range parcels {
		due := p.entry.due
		s.append(p)
		if p.entry.due = due; !due.IsZero() {
			later = append(later, &p.entry)
			s.fresh[len(s.fresh)-1] = nil
		}
		if note != nil {
			note(p.index, p.entry.seq)
		}
	}
	s.publish(s.tail, len(parcels), later)

	return nil
}

func (s *memory[T]) append(p *parcel[T]) {
	p.entry = entry{seq: s.tail, parcel: p}
	s.fresh = append(s.fresh, p)
	s.tail++
}

func (s *memory[T]) load(p pick) ([]loaded[T], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := s.take(p.from, min(p.max, int(p.to-p.from)))
	found := s.found[:0]
	for _, e := range p.back {
		found = append(found, loaded[T]{entry: e, parcel: parcelOf[T](e)})
	}
	for _, m := range fresh {
		found = append(found, loaded[T]{entry: &m.entry, parcel: m})
	}
	clear(fresh)
	s.found = found

	return found, nil
}

// take returns n of the fresh messages from a sequence number on, and forgets them and those
// before.
func (s *memory[T]) take(from int64, n int) []*parcel[T] {
	skip := int(from-s.tail) + len(s.fresh)
	taken := s.fresh[skip : skip+n]
	s.fresh = s.fresh[skip+n:]

	return taken
}

func parcelOf[T any](e *entry) *parcel[T] {
	return e.parcel.(*parcel[T]) //nolint:forcetypeassert // append set it
}

func (s *memory[T]) note([]*entry) (bool, error) { return false, nil }

func (s *memory[T]) rewrite([]*entry) error { return nil }

func (s *memory[T]) settle(_ context.Context, c changes) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range c.dead {
		s.dead = append(s.dead, deadParcel[T]{b.entry.seq, parcelOf[T](b.entry), b.entry.counted(), b.cause})
	}

	return nil
}

func (s *memory[T]) buried(ctx context.Context) iter.Seq2[connector.DeadLetter[T], error] {
	return func(yield func(connector.DeadLetter[T], error) bool) {
		for _, d := range s.sortedDead() {
			if err := ctx.Err(); err != nil {
				yield(connector.DeadLetter[T]{}, err)

				return
			}
			letter := connector.DeadLetter[T]{
				ID: d.parcel.fields.ID, Stage: s.cfg.Name, Attempt: d.attempt, Value: d.parcel.value, Headers: d.parcel.fields.Headers,
				Cause: causeText(d.cause), Err: d.cause, Class: connector.ClassOf(d.cause).String(),
			}
			if !yield(letter, nil) {
				return
			}
		}
	}
}

func (s *memory[T]) sortedDead() []deadParcel[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortFunc(s.dead, func(a, b deadParcel[T]) int { return cmp.Compare(a.seq, b.seq) })

	return slices.Clone(s.dead)
}

func (s *memory[T]) unbury(_ context.Context, _ int64, ids wanted, discard bool) (int, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.dead)
	s.dead = slices.DeleteFunc(s.dead, func(d deadParcel[T]) bool {
		if !ids.takes(d.parcel.fields.ID) {
			return false
		}
		if !discard {
			s.append(d.parcel)
		}

		return true
	})
	n := before - len(s.dead)
	if !discard && n > 0 {
		s.publish(s.tail, n, nil)
	}

	return n, -1, nil
}

func (s *memory[T]) health() error { return nil }

func (s *memory[T]) close() error { return nil }
