package flow_test

import (
	"context"
	"sync"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// audited is a source that checks how its reader is used: what the contract of
// connector.Reader promises a driver must hold in every test.
type audited[T any] struct {
	t      *testing.T
	source connector.Source[T]
	// most bounds what may be out at once; zero leaves it.
	most int

	mu      sync.Mutex
	out     map[connector.Position]bool
	order   []connector.Position
	peak    int
	handed  int
	settled int
	// reading, settling and inside count calls under way.
	reading, settling int
	open              int
}

func audit[T any](t *testing.T, source connector.Source[T]) *audited[T] {
	t.Helper()

	return &audited[T]{t: t, source: source, out: make(map[connector.Position]bool)}
}

func (a *audited[T]) Describe() connector.Capabilities { return connector.Describe(a.source) }

func (a *audited[T]) Open(ctx context.Context) (connector.Reader[T], error) {
	r, err := a.source.Open(ctx)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	a.open++
	a.mu.Unlock()

	return &auditedReader[T]{a: a, r: r}, nil
}

type auditedReader[T any] struct {
	a      *audited[T]
	r      connector.Reader[T]
	closed bool
}

func (r *auditedReader[T]) Read(ctx context.Context, most int) ([]connector.Message[T], error) {
	a := r.a
	a.mu.Lock()
	a.expect(a.reading == 0, "Read runs concurrently with itself")
	a.expect(!r.closed, "Read after Close")
	a.expect(most > 0, "Read of %d messages", most)
	a.reading++
	a.mu.Unlock()
	ms, err := r.r.Read(ctx, most)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reading--
	for _, m := range ms {
		a.out[m.Position()] = true
		a.order = append(a.order, m.Position())
	}
	a.handed += len(ms)
	a.peak = max(a.peak, len(a.out))
	a.expect(a.most == 0 || len(a.out) <= a.most, "%d messages are out, the bound is %d", len(a.out), a.most)

	return ms, err
}

func (r *auditedReader[T]) Settle(ctx context.Context, settlements []connector.Settlement) error {
	a := r.a
	a.mu.Lock()
	a.expect(a.settling == 0, "Settle runs concurrently with itself")
	a.expect(!r.closed, "Settle after Close")
	a.settling++
	if connector.Describe(a.source).Ordered {
		for i, s := range settlements {
			a.expect(a.order[i] == s.Position, "%s is settled before %s", s.Position, a.order[i])
		}
	}
	a.mu.Unlock()
	err := r.r.Settle(ctx, settlements)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.settling--
	if err != nil {
		return err
	}
	a.order = a.order[min(len(settlements), len(a.order)):]
	for _, s := range settlements {
		a.expect(a.out[s.Position], "%s is settled, but it is not out", s.Position)
		a.expect(s.Outcome != connector.Pending, "%s is settled as pending", s.Position)
		a.expect((s.Cause != nil) == (s.Outcome >= connector.Dropped), "%s is %s with the cause %v", s.Position, s.Outcome, s.Cause)
		delete(a.out, s.Position)
	}
	a.settled += len(settlements)

	return nil
}

func (r *auditedReader[T]) Extend(ctx context.Context, positions []connector.Position) error {
	if e, ok := r.r.(connector.Extender); ok {
		return e.Extend(ctx, positions)
	}

	return nil
}

func (r *auditedReader[T]) Close() error {
	a := r.a
	a.mu.Lock()
	a.expect(!r.closed, "Close runs twice")
	a.expect(a.reading == 0 && a.settling == 0, "Close while %d Read and %d Settle run", a.reading, a.settling)
	r.closed = true
	a.open--
	a.out = make(map[connector.Position]bool)
	a.order = nil
	a.mu.Unlock()

	return r.r.Close()
}

// expect is called under the lock.
func (a *audited[T]) expect(ok bool, format string, args ...any) {
	a.t.Helper()
	if !ok {
		a.t.Errorf("the source: "+format, args...)
	}
}

// ended checks that a run left nothing open.
func (a *audited[T]) ended() {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.expect(a.open == 0, "%d readers are still open", a.open)
	a.expect(a.handed == a.settled, "%d messages were handed out, %d settled", a.handed, a.settled)
}
