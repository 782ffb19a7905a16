package flow

import (
	"context"
	"sync"

	"github.com/millrace-go/millrace/internal/turns"
)

// mailbox carries entries to a lane. Writers block while it is full. The zero limit
// means that whoever writes bounds the number of entries in another way.
type mailbox[E any] struct {
	lane  *lane
	limit int

	mu      sync.Mutex
	changed sync.Cond
	waiting []E
	spare   []E
	writers int
	// filled is set while entries wait; they count as work under way.
	filled bool
}

// newMailbox makes a mailbox that the lane reads and that so many writers will leave.
// The lane ends when all of them have left.
func newMailbox[E any](l *lane, limit, writers int) *mailbox[E] {
	m := &mailbox[E]{lane: l, limit: limit, writers: writers}
	m.changed.L = &m.mu
	if writers > 0 {
		l.feeders++
	}

	return m
}

// put adds an entry, waiting for room. from is the lane that waits, if it is one: it does
// not move then; the full mailbox counts instead.
func (m *mailbox[E]) put(from *lane, e E) {
	m.mu.Lock()
	for m.limit > 0 && len(m.waiting) >= m.limit {
		from.park()
		turns.Cond(m.lane.run.keeper, "mailbox", &m.changed)
		from.unpark()
	}
	m.waiting = append(m.waiting, e)
	m.wakeReader()
}

// offer adds an entry if there is room. If there is none, and evict is set, the oldest
// entry makes room and is returned.
func (m *mailbox[E]) offer(e E, evict bool) (evicted E, full bool) {
	m.mu.Lock()
	if full = m.limit > 0 && len(m.waiting) >= m.limit; full {
		if !evict {
			m.mu.Unlock()

			return evicted, true
		}
		evicted = m.waiting[0]
		m.waiting = append(m.waiting[:0], m.waiting[1:]...)
	}
	m.waiting = append(m.waiting, e)
	m.wakeReader()

	return evicted, full
}

// wakeReader unlocks the mailbox and tells its reader.
func (m *mailbox[E]) wakeReader() {
	first := len(m.waiting) == 1
	if first && !m.filled {
		m.filled = true
		m.lane.load(1)
	}
	m.mu.Unlock()
	if first {
		m.changed.Broadcast()
		m.lane.rouse()
	}
}

// take returns what waits. The slice is good until the next take.
func (m *mailbox[E]) take() []E {
	m.mu.Lock()
	defer m.mu.Unlock()

	return m.swap()
}

// await is take, but waits until there is something.
func (m *mailbox[E]) await() []E {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.waiting) == 0 {
		turns.Cond(m.lane.run.keeper, "mailbox", &m.changed)
	}

	return m.swap()
}

func (m *mailbox[E]) swap() []E {
	taken := m.waiting
	if len(taken) == 0 {
		return nil
	}
	clear(m.spare)
	m.waiting = m.spare[:0]
	m.spare = taken
	m.filled = false
	m.lane.load(-1)
	m.changed.Broadcast()

	return taken
}

// leave says that one writer will write no more.
func (m *mailbox[E]) leave() {
	m.mu.Lock()
	m.writers--
	m.mu.Unlock()
	m.lane.rouse()
}

// drained reports, once, that every writer has left and nothing waits.
func (m *mailbox[E]) drained() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.writers != 0 || len(m.waiting) != 0 {
		return false
	}
	m.writers = -1

	return true
}

// serve makes the lane pass each entry to handle and end when the mailbox is drained.
func (m *mailbox[E]) serve(handle func(context.Context, *E)) func(context.Context) bool {
	return func(ctx context.Context) bool {
		taken := m.take()
		for i := range taken {
			handle(ctx, &taken[i])
		}
		if len(taken) == 0 && m.drained() {
			m.lane.feeders--
		}

		return len(taken) > 0
	}
}
