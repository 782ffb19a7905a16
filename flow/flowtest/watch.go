package flowtest

import (
	"context"
	"reflect"
	"slices"
	"sync"

	"github.com/millrace-go/millrace/connector"
)

// Watched is a source that remembers every message that it handed out and the outcome
// that it was told. It is otherwise the source inside it. All methods are safe for
// concurrent use. It keeps the values, so it is for tests alone.
type Watched[T any] struct {
	source connector.Source[T]

	mu   sync.Mutex
	seen []Seen[T]
	// ids and positions lead to the index in seen.
	ids       map[string]int
	positions map[connector.Position]int
}

// Seen is a message that a source handed out, and what became of it.
type Seen[T any] struct {
	// ID is that of the message; "memory:1" for the first of a memory.Source.
	ID    string
	Value T
	// Outcome is that of the last delivery; connector.Pending until the source has
	// confirmed it.
	Outcome connector.Outcome
	// Cause is why the message was dead-lettered, dropped or returned.
	Cause error
	// Deliveries counts how often the message was handed out.
	Deliveries int
}

// Watch wraps a source of any kind.
func Watch[T any](source connector.Source[T]) *Watched[T] {
	return &Watched[T]{source: source, ids: make(map[string]int), positions: make(map[connector.Position]int)}
}

// Open implements connector.Source.
func (w *Watched[T]) Open(ctx context.Context) (connector.Reader[T], error) {
	reader, err := w.source.Open(ctx)
	if err != nil {
		return nil, err
	}

	return &watchedReader[T]{Reader: reader, by: w}, nil
}

// Describe returns what the source inside declares.
func (w *Watched[T]) Describe() connector.Capabilities { return connector.Describe(w.source) }

// CheckHealth asks the source inside, if it can tell.
func (w *Watched[T]) CheckHealth(ctx context.Context) error {
	if h, ok := w.source.(connector.HealthChecker); ok {
		return h.CheckHealth(ctx)
	}

	return nil
}

// Messages returns every message that was handed out, in the order of first delivery.
func (w *Watched[T]) Messages() []Seen[T] {
	w.mu.Lock()
	defer w.mu.Unlock()

	return slices.Clone(w.seen)
}

// Message returns the message with the ID, and whether it was handed out.
func (w *Watched[T]) Message(id string) (Seen[T], bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, ok := w.ids[id]
	if !ok {
		return Seen[T]{}, false
	}

	return w.seen[at], true
}

// Outcome returns the outcome of the message with the ID; connector.Pending while it has
// none, and for a message that was not handed out.
func (w *Watched[T]) Outcome(id string) connector.Outcome {
	m, _ := w.Message(id)

	return m.Outcome
}

// Outcomes returns the outcomes of the messages whose value is deeply equal to value, in
// the order of first delivery.
func (w *Watched[T]) Outcomes(value T) []connector.Outcome {
	var outcomes []connector.Outcome
	for _, m := range w.Messages() {
		if reflect.DeepEqual(m.Value, value) {
			outcomes = append(outcomes, m.Outcome)
		}
	}

	return outcomes
}

// handedOut notes a delivery. A message without ID and Position is always a new one.
func (w *Watched[T]) handedOut(messages []connector.Message[T]) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range messages {
		id := m.ID()
		at, again := w.ids[id]
		if !again || id == "" {
			at = len(w.seen)
			w.seen = append(w.seen, Seen[T]{ID: id})
		}
		w.ids[id], w.positions[m.Position()] = at, at
		s := &w.seen[at]
		s.Value, s.Outcome, s.Cause = m.Value, connector.Pending, nil
		s.Deliveries++
	}
}

// settled notes outcomes that the source has confirmed.
func (w *Watched[T]) settled(settlements []connector.Settlement) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range settlements {
		if at, ok := w.positions[s.Position]; ok {
			w.seen[at].Outcome, w.seen[at].Cause = s.Outcome, s.Cause
		}
	}
}
