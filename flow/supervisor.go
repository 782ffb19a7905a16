package flow

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/retry"
)

// Supervisor runs several pipelines, starts a failed one again after a delay, and stops
// all of them in order. Its methods may be called concurrently.
type Supervisor struct {
	config    SupervisorConfig
	pipelines []*Pipeline

	mu       sync.Mutex
	restarts map[*Pipeline]int
	waiting  map[*Pipeline]Health
}

// SupervisorConfig holds what an operator may want to set. The zero value of a field
// means its default.
type SupervisorConfig struct {
	// Restart says how often in a row, and after which delays, a pipeline that failed is
	// started again; the first run counts as an attempt. With zero Attempts it is without
	// end, and Initial is 1 s and Max 1 minute by default, without jitter. MaxElapsed, from
	// the first failure in a row to the next restart, is without end by default. A pipeline
	// that ran for longer than HealthyAfter before it failed begins anew. An error whose
	// class is permanent, a *DefinitionError and a *StoppedError are not followed by a
	// restart.
	Restart retry.Policy
	// HealthyAfter is how long a pipeline must run to count as well. Default 1 minute.
	HealthyAfter time.Duration
	// Logger receives restarts and failures. Default none.
	Logger *zap.Logger
}

// restartForever is more often than a pipeline can fail in practice.
const restartForever = 1 << 30

// Supervise makes a supervisor of pipelines, in the order in which they are stopped:
// list those that feed others first.
func Supervise(config SupervisorConfig, pipelines ...*Pipeline) *Supervisor {
	if r := &config.Restart; r.Attempts == 0 {
		r.Attempts, r.NoJitter = restartForever, true
		r.Initial, r.Max = orDefault(r.Initial, time.Second), orDefault(r.Max, time.Minute)
	}
	config.Restart.MaxElapsed = orDefault(config.Restart.MaxElapsed, math.MaxInt64)
	config.HealthyAfter = orDefault(config.HealthyAfter, time.Minute)
	if config.Logger == nil {
		config.Logger = zap.NewNop()
	}

	return &Supervisor{
		config: config, pipelines: pipelines,
		restarts: make(map[*Pipeline]int), waiting: make(map[*Pipeline]Health),
	}
}

// Run runs every pipeline until all have ended. Wrong definitions are returned before
// any of them starts. When ctx ends, the pipelines are stopped one after the other, each
// within its Config.Drain. The error joins those of the pipelines that were given up.
func (s *Supervisor) Run(ctx context.Context) error {
	if err := s.check(); err != nil {
		return err
	}
	errs := make([]error, len(s.pipelines))
	turns := make([]turn, len(s.pipelines))
	var all sync.WaitGroup
	for i, p := range s.pipelines {
		turns[i] = newTurn(ctx)
		all.Go(func() {
			defer close(turns[i].ended)
			errs[i] = s.keep(turns[i].running, ctx, p)
		})
	}
	stop := context.AfterFunc(ctx, func() { stopInTurn(turns) })
	all.Wait()
	stop()
	for _, t := range turns {
		t.stop()
	}

	return errors.Join(errs...)
}

// turn is what it takes to stop one pipeline after the other, rather than all by one
// context.
type turn struct {
	running context.Context
	stop    context.CancelFunc
	ended   chan struct{}
}

func newTurn(ctx context.Context) turn {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))

	return turn{running: running, stop: stop, ended: make(chan struct{})}
}

func stopInTurn(turns []turn) {
	for _, t := range turns {
		t.stop()
		<-t.ended
	}
}

func (s *Supervisor) check() error {
	errs := []error{s.config.Restart.Validate()}
	if s.config.HealthyAfter < 0 {
		errs = append(errs, errors.New("flow: SupervisorConfig.HealthyAfter is negative"))
	}
	if len(s.pipelines) == 0 {
		errs = append(errs, errors.New("flow: the supervisor has no pipeline"))
	}
	for i, p := range s.pipelines {
		if p == nil {
			errs = append(errs, fmt.Errorf("flow: pipeline %d of the supervisor is nil", i+1))

			continue
		}
		if slices.Contains(s.pipelines[:i], p) {
			errs = append(errs, fmt.Errorf("flow: pipeline %s is twice in the supervisor", p.name))
		}
		errs = append(errs, p.Check())
	}

	return errors.Join(errs...)
}

// keep runs one pipeline again and again until ctx ends; no restart follows once stopped
// has ended.
func (s *Supervisor) keep(ctx, stopped context.Context, p *Pipeline) error {
	failures := 0
	var first time.Time // of the failures in a row
	for {
		if stopped.Err() != nil {
			return nil
		}
		start := time.Now()
		err := p.Run(ctx)
		if err == nil || stopped.Err() != nil {
			return err
		}
		if time.Since(start) > s.config.HealthyAfter {
			failures = 0
		}
		if failures++; failures == 1 {
			first = time.Now()
		}
		delay, again := s.next(failures, time.Since(first), err)
		if !again {
			s.config.Logger.Error("pipeline given up", zap.String("flow", p.name), zap.Error(err))

			return err
		}
		s.await(stopped, p, err, delay)
	}
}

// next decides what follows a failure. Unlike a retry of the same work, a new run may do
// better where retries inside the pipeline gave up, and whatever may have happened.
func (s *Supervisor) next(failures int, elapsed time.Duration, err error) (delay time.Duration, again bool) {
	policy := s.config.Restart
	classify := policy.Classify
	if classify == nil {
		classify = connector.ClassOf
	}
	if failures >= policy.Attempts || final(err) || classify(err) == connector.ClassPermanent {
		return 0, false
	}
	delay = policy.Delay(failures, err)

	return delay, delay <= policy.MaxElapsed-elapsed
}

func final(err error) bool {
	_, definition := errors.AsType[*DefinitionError](err)
	_, left := errors.AsType[*StoppedError](err)

	return definition || left
}

// await waits for the restart of a failed pipeline.
func (s *Supervisor) await(stopped context.Context, p *Pipeline, err error, delay time.Duration) {
	s.config.Logger.Warn("pipeline failed, starting it again",
		zap.String("flow", p.name), zap.Error(err), zap.Duration("delay", delay))
	s.mu.Lock()
	s.waiting[p] = Health{State: Waiting, Since: time.Now(), Reason: err.Error()}
	s.mu.Unlock()
	pause(stopped, delay)
	s.mu.Lock()
	delete(s.waiting, p)
	if stopped.Err() == nil {
		s.restarts[p]++
	}
	s.mu.Unlock()
}

// Health returns the state of every pipeline, in the order of Supervise.
func (s *Supervisor) Health() []Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Health, 0, len(s.pipelines))
	for _, p := range s.pipelines {
		if p == nil {
			continue // Run reports it
		}
		h, waits := s.waiting[p]
		if !waits {
			h = p.Health()
		}
		h.Flow, h.Restarts = p.name, s.restarts[p]
		all = append(all, h)
	}

	return all
}

// CheckHealth returns an error that names every pipeline that has failed or waits for a
// restart, so that a supervisor can stand behind a readiness probe.
func (s *Supervisor) CheckHealth(context.Context) error {
	var errs []error
	for _, h := range s.Health() {
		if h.State == Failed || h.State == Waiting {
			errs = append(errs, fmt.Errorf("flow %s is %s since %s: %s",
				h.Flow, h.State, h.Since.Format(time.RFC3339), h.Reason))
		}
	}

	return errors.Join(errs...)
}

var _ connector.HealthChecker = (*Supervisor)(nil)
