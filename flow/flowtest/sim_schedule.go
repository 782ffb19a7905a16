package flowtest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/internal/turns"
)

// Bounds of one schedule.
const (
	// mostSteps is how many effects a schedule may have.
	mostSteps = 20_000
	// mostSpins is how often goroutines may go on without any effect, mostTurns in all.
	mostSpins, mostTurns = 5_000, 200_000
	// mostLives is how often the pipeline is started; mostHealthy how often without any
	// fault in between.
	mostLives, mostHealthy = 40, 8
	// mostWaits is how often time may pass without a message getting anywhere.
	mostWaits = 20_000
	// standstill is how long nothing may move before a schedule counts as stuck.
	standstill = 24 * time.Hour
	// patience is how long a pipeline may wait when nothing is left to do, before it is
	// stopped.
	patience = time.Hour
	// restart is how long it takes to start a pipeline again, and four times as long each time
	// once there are no more faults: whoever starts it again backs off, and a claim that a
	// crash has left in a store ends in the meantime.
	restart = time.Second
)

// schedule runs one pipeline under one plan, in a bubble.
type schedule struct {
	plan  plan
	build func(*World) *flow.Pipeline
	gate  *gate
	world *World
	trace trace

	lives []*life
	// steps counts effects, turns goroutines that went on, faults what was done to them.
	steps, turns, faults int
	// spins counts turns since the last effect, or since time has passed.
	spins int
	// waits counts how often time had to pass since a message last got somewhere.
	waits int
	// injected names the effects that had a fault.
	injected []string
	// moved is when a message last got somewhere.
	moved    time.Time
	problems []error
	// pulse shows the watchdog that the schedule goes on.
	pulse *atomic.Int64
}

// life is the pipeline from one start to its end or the next crash.
type life struct {
	sim      *schedule
	number   int
	pipeline *flow.Pipeline
	seen     map[string]int
	ghosts   []*effect
	// crashed is set by whoever crashed, dead when the scheduler knows, unwinding when
	// the goroutines may end.
	crashed, dead, unwinding bool
	ended                    chan struct{}
	err                      error
	stopped                  chan stopResult
	// idle is set when it was stopped because nothing was left to do.
	idle  bool
	count lifeCount
}

type stopResult struct {
	left flow.Left
	err  error
}

func newSchedule(p plan, build func(*World) *flow.Pipeline, verbose bool) *schedule {
	s := &schedule{plan: p, build: build, gate: newGate(), moved: time.Now(), pulse: new(atomic.Int64)}
	s.trace.verbose = verbose
	s.world = newWorld(s)

	return s
}

func (s *schedule) problem(format string, args ...any) {
	s.problems = append(s.problems, fmt.Errorf(format, args...))
}

// run runs the schedule to its end and notes what is wrong.
func (s *schedule) run() {
	healthy := 0
	for len(s.problems) == 0 {
		l := s.begin()
		if l == nil {
			break
		}
		s.drive(l)
		s.judgeLife(l)
		if !l.dead && s.world.done() && l.err == nil && (l.stopped == nil || l.idle) {
			break
		}
		if s.plan.over(s.steps, s.faults) {
			healthy++
		}
		switch {
		case healthy > mostHealthy && l.err != nil:
			s.problem("the pipeline fails again and again without any fault: %w", l.err)
		case healthy > mostHealthy, len(s.lives) > mostLives:
			s.problem("the pipeline ends again and again, but does not finish: %s", s.world.unfinished())
		}
		s.world.restart()
		time.Sleep(restart << (2 * healthy))
	}
	if len(s.problems) == 0 {
		s.judge()
	}
	for _, l := range s.lives {
		s.unwind(l)
	}
}

// begin builds the pipeline and starts it.
func (s *schedule) begin() *life {
	l := &life{
		sim: s, number: len(s.lives) + 1, seen: make(map[string]int),
		ended: make(chan struct{}),
	}
	s.world.life = l
	l.pipeline = s.build(s.world)
	switch {
	case l.pipeline == nil:
		s.problem("build returned no pipeline")

		return nil
	case l.pipeline.Check() != nil:
		s.problem("%w", l.pipeline.Check())

		return nil
	}
	s.lives = append(s.lives, l)
	s.trace.start(l)
	go func() {
		l.err = l.pipeline.Run(turns.With(context.Background(), l))
		covered.note(l.pipeline)
		close(l.ended)
		s.gate.signal()
	}()

	return l
}

func (l *life) hasEnded() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// drive lets one effect after the other happen, until the pipeline has ended or crashed.
func (s *schedule) drive(l *life) {
	for {
		s.gate.settle(l)
		s.pulse.Add(1)
		switch {
		case l.crashed:
			s.crash(l)

			return
		case l.hasEnded():
			s.trace.end(l)

			return
		case s.steps > mostSteps, s.spins > mostSpins, s.turns > mostTurns:
			s.problem("the schedule does not end: after %d effects and %d turns of goroutines, the last %d of them without an effect: %s",
				s.steps, s.turns, s.spins, s.world.unfinished())
			s.crash(l)

			return
		}
		if e := s.choose(); e != nil {
			s.step(l, e)
		} else if !s.idle(l) {
			return
		}
	}
}

// choose picks the next of the effects that can happen now.
func (s *schedule) choose() *effect {
	var first *effect
	var best uint64
	now := time.Now()
	for _, e := range s.gate.parked {
		if !e.open(now) {
			continue
		}
		if p := s.plan.priority(e); first == nil || p < best {
			first, best = e, p
		}
	}

	return first
}

// step decides the fate of one effect and lets it happen.
func (s *schedule) step(l *life, e *effect) {
	if e.inner {
		s.turns++
		s.spins++
		s.trace.add(e, works)
		s.gate.let(e, works)

		return
	}
	if e.ctx.Err() != nil {
		s.steps++
		s.trace.add(e, expired)
		s.gate.let(e, expired)

		return
	}
	if e.decided {
		s.gate.let(e, e.fate)

		return
	}
	e.decided = true
	s.spins = 0
	s.steps++
	f := s.plan.fate(e, s.steps, s.faults)
	if f.fault != 0 {
		s.faults++
		s.injected = append(s.injected, e.key())
	}
	s.trace.add(e, f)
	s.inflict(l, e, f)
}

// inflict does to an effect what was decided.
func (s *schedule) inflict(l *life, e *effect, f fate) {
	amount := s.plan.draw(e, 9)
	switch f.fault {
	case Crashing:
		if f.done {
			s.gate.let(e, f)

			return
		}
		l.crashed = true
	case Stopping:
		s.stop(l, amount)
	case Leap:
		time.Sleep(odd(amount, [...]time.Duration{time.Second, 31 * time.Second, 2 * time.Minute, time.Hour}[amount%4]))
		synctest.Wait() // timers that rang at the same instant come first
		s.gate.let(e, f)
	case Late:
		e.notBefore = time.Now().Add(odd(amount, [...]time.Duration{0, time.Millisecond, time.Second, 40 * time.Second}[amount%4]))
	case TimingOut:
		e.fate, e.notBefore = f, time.Now().Add(slowness)
	default:
		s.gate.let(e, f)
	}
}

// stop stops the pipeline as an operator does, and waits for what it reports.
func (s *schedule) stop(l *life, amount uint64) {
	if l.stopped != nil {
		return
	}
	l.stopped = make(chan stopResult, 1)
	limit := odd(amount, [...]time.Duration{0, time.Second, time.Minute}[amount%3])
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		left, err := l.pipeline.Stop(ctx)
		l.stopped <- stopResult{left, err}
	}()
}

// odd makes a duration that no two timers share by accident: of two that ring at the same
// instant, a select in the pipeline takes either.
func odd(amount uint64, d time.Duration) time.Duration {
	return d + time.Duration(1+amount>>8%997)
}

// idle waits for time to pass. It reports false when the life is over.
func (s *schedule) idle(l *life) bool {
	until := s.moved.Add(standstill)
	now := time.Now()
	if s.waits++; !now.Before(until) || s.waits > mostWaits {
		return s.stuck(l)
	}
	for _, e := range s.gate.parked {
		if at := e.next(); at.After(now) && at.Before(until) {
			until = at
		}
	}
	quiet := now.Add(patience)
	if s.world.done() && l.stopped == nil && quiet.Before(until) {
		until = quiet
	}
	s.gate.await(until)
	if time.Now().After(now) {
		s.spins = 0
	}
	if until.Equal(quiet) && !time.Now().Before(quiet) && s.world.done() {
		l.idle = true // a feed or a queue never ends by itself
		s.stop(l, 2)
	}

	return true
}

// stuck is a pipeline that has not moved for a day.
func (s *schedule) stuck(l *life) bool {
	s.problem("nothing has moved for %v and the pipeline has not ended: %s\n\tledger: %v",
		time.Since(s.moved), s.world.unfinished(), l.pipeline.Ledger())
	s.crash(l)

	return false
}

// crash ends a life: none of its effects happens any more.
func (s *schedule) crash(l *life) {
	s.gate.bury(l)
	l.moved()
}

// unwind lets the goroutines of a life end.
func (s *schedule) unwind(l *life) {
	s.gate.bury(l)
	s.gate.exorcise(l)
	ctx, cancel := context.WithDeadline(context.Background(), time.Now())
	defer cancel()
	_, _ = l.pipeline.Stop(ctx)
	timer := time.NewTimer(standstill)
	defer timer.Stop()
	select {
	case <-l.ended:
	case <-timer.C:
		s.problem("start %d of the pipeline does not end: %w", l.number, errors.New("Run does not return"))
	}
	synctest.Wait()
}
