package memory

import (
	"context"
	"sync"
	"sync/atomic"
)

// script is what the coming calls of one operation do. The zero script passes all.
type script struct {
	active atomic.Bool // spares the lock where nothing is scripted
	mu     sync.Mutex
	steps  []Step
}

// add puts steps behind those that wait already.
func (s *script) add(steps []Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, step := range steps {
		if step.forever || step.more >= 0 {
			s.steps = append(s.steps, step)
		}
	}
	s.active.Store(len(s.steps) > 0)
}

// begin takes the step of this call and waits as it says. An error is that of the call:
// nothing else must happen. A call whose context has ended already takes no step.
func (s *script) begin(ctx context.Context) (Step, error) {
	if ctx.Err() != nil {
		return Step{}, ended(ctx)
	}
	if !s.active.Load() {
		return Step{}, nil
	}
	step := s.next()
	if err := step.wait(ctx); err != nil {
		return Step{}, err
	}

	return step, step.before
}

func (s *script) next() Step {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.steps) == 0 {
		return Step{}
	}
	head := &s.steps[0]
	step := *head
	switch {
	case head.forever:
	case head.more > 0:
		head.more--
	default:
		s.steps = s.steps[1:]
		s.active.Store(len(s.steps) > 0)
	}

	return step
}
