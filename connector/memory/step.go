package memory

import (
	"context"
	"fmt"
	"time"
)

// Step is what one call of a fake does. Make one with Pass, Fail, PassThenFail or Block,
// and refine it with its methods, each of which returns a changed copy. The zero Step
// passes once.
type Step struct {
	before  error // instead of the work
	after   error // following the work
	delay   time.Duration
	gate    <-chan struct{}
	more    int // calls beyond the first
	forever bool
}

// Pass works normally.
func Pass() Step { return Step{} }

// Fail does nothing and returns err as it is.
func Fail(err error) Step { return Step{before: err} }

// PassThenFail works and returns err all the same: a Write that was accepted, a Settle
// that was recorded, a Read whose messages come with an error, a Call whose reply is lost.
func PassThenFail(err error) Step { return Step{after: err} }

// Block waits until release is closed or gives a value, or until the context ends, and
// then works. In a testing/synctest bubble the channel must be made inside it.
func Block(release <-chan struct{}) Step { return Step{gate: release} }

// Delay waits for d before anything else, or until the context ends.
func (s Step) Delay(d time.Duration) Step {
	s.delay = d

	return s
}

// Times repeats the step for n calls; zero or less removes it.
func (s Step) Times(n int) Step {
	s.more, s.forever = n-1, false

	return s
}

// Always repeats the step for every further call; steps behind it are never reached.
func (s Step) Always() Step {
	s.more, s.forever = 0, true

	return s
}

// wait passes the time that the step takes.
func (s Step) wait(ctx context.Context) error {
	if s.delay > 0 {
		timer := time.NewTimer(s.delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ended(ctx)
		}
	}
	if s.gate == nil {
		return nil
	}
	select {
	case <-s.gate:
		return nil
	case <-ctx.Done():
		return ended(ctx)
	}
}

// finish returns the error of the work or, where there is none, the scripted one.
func (s Step) finish(err error) error {
	if err != nil {
		return err
	}

	return s.after
}

func ended(ctx context.Context) error { return fmt.Errorf("memory: %w", ctx.Err()) }
