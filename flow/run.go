package flow

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/rehearse"
	"github.com/millrace-go/millrace/internal/turns"
	"github.com/millrace-go/millrace/retry"
)

// run is one run of a pipeline.
type run struct {
	pipeline *Pipeline
	config   Config
	// ctx is that of user functions; it ends at the drain deadline. aborted is set before
	// that: it costs less to ask for every message.
	ctx     context.Context
	cancel  context.CancelCauseFunc
	aborted atomic.Bool
	// reading ends when the run takes no more in.
	reading     context.Context
	stopReading context.CancelCauseFunc
	// settleCtx ends when settlements are given up, after ctx.
	settleCtx    context.Context
	stopSettling context.CancelFunc
	settling     retry.Policy
	// keeper decides, in a simulation, which goroutine goes on; nil everywhere else.
	keeper turns.Keeper

	// script, where set, has stages fail as they did in a recording.
	script rehearse.Script

	pressure pressure
	intakes  []intake
	// sinks are flushed at the end.
	sinks []flushed
	// farSides and crossings connect the two sides of queues inside the pipeline.
	farSides  map[*node]intake
	crossings map[*node]*crossing
	// gates are the Once stages; the workers of a parallel stage share one.
	gates map[*node]*gate
	// turns keep the workers of a parallel stage from writing at the same time.
	turns map[*node]chan struct{}
	// enders end what serves stages from goroutines of their own.
	// Forced ones no longer wait for messages that do not end.
	enders []func(forced bool)

	// opens prepare stages that keep state.
	opens []func(context.Context) error
	// starts launch the lanes that are fed by other lanes, and what serves stages.
	starts []func()
	// working are the goroutines that read and run stages; serving those that settle and
	// confirm; extending those that keep leases until everything is settled.
	working, serving, extending sync.WaitGroup
	// settled is closed when extending may end.
	settled chan struct{}
	// idle is set when all stages have ended; torn when a goroutine was ended from inside
	// a user function, so that messages may be lost to the run.
	idle, torn atomic.Bool
	// inputs counts sources that are still read, other than queues inside the pipeline;
	// dry is set when nothing can come from these either; watching starts watchEnd.
	inputs   atomic.Int64
	dry      atomic.Bool
	watching sync.Once
	// done is closed when everything has ended, gaveUp when the run no longer waits.
	done, gaveUp chan struct{}
	// ended is closed when Run is about to return.
	ended chan struct{}

	draining sync.Once
	deadline *time.Timer
	returned atomic.Int64
	mu       sync.Mutex
	failure  error
}

type flushed struct {
	station *station
	sink    connector.Flusher
}

func newRun(ctx context.Context, p *Pipeline) *run {
	r := &run{
		keeper:   turns.Of(ctx),
		script:   rehearse.Of(ctx),
		pipeline: p,
		config:   p.config,
		done:     make(chan struct{}),
		gaveUp:   make(chan struct{}),
		ended:    make(chan struct{}),
		settled:  make(chan struct{}),

		farSides:  make(map[*node]intake),
		crossings: make(map[*node]*crossing),
		gates:     make(map[*node]*gate),
		turns:     make(map[*node]chan struct{}),

		settling: retry.Policy{Attempts: 5, MaxElapsed: time.Minute, Idempotent: true},
	}
	base := context.WithoutCancel(ctx)
	r.ctx, r.cancel = context.WithCancelCause(base)
	r.reading, r.stopReading = context.WithCancelCause(base)
	r.settleCtx, r.stopSettling = context.WithCancel(base)
	w := &wiring{
		run: r, plan: p.plan,
		inputs: make(map[*node]any), leaves: make(map[*node]func()), joints: make(map[*node]any),
	}
	for _, n := range p.plan.nodes {
		if n.open != nil {
			r.intakes = append(r.intakes, n.open(w, n))
		}
		if f, ok := n.endpoint.(connector.Flusher); ok {
			r.sinks = append(r.sinks, flushed{station: p.stations[n], sink: f})
		}
	}

	return r
}

// execute runs until every source has ended or the run was stopped and drained.
func (r *run) execute(ctx context.Context) error {
	defer r.release()
	stop := context.AfterFunc(ctx, func() { r.drain(r.config.Drain, context.Cause(ctx)) })
	defer stop()
	if err := r.open(); err != nil {
		close(r.done)
		if r.stopping() && errors.Is(err, r.reading.Err()) {
			return nil // the stop came first: nothing was taken in
		}

		return err
	}
	for _, start := range r.starts {
		start()
	}
	for _, in := range r.intakes {
		in.start()
	}
	go r.await()
	turns.Wait(r.keeper, "run", func() {
		select {
		case <-r.done:
		case <-r.gaveUp:
		}
	})
	err := r.closeIntakes()
	for _, end := range r.enders {
		end(true)
	}

	return errors.Join(r.outcome(), err)
}

// release ends every context of the run.
func (r *run) release() {
	r.stopReading(nil)
	r.end(nil)
	r.stopSettling()
	r.draining.Do(func() {})
	if r.deadline != nil {
		r.deadline.Stop()
	}
}

// open prepares stages and opens sources. A stop ends it.
func (r *run) open() error {
	ctx := r.reading
	for _, open := range r.opens {
		if err := guard(func() error { return open(ctx) }); err != nil {
			return fmt.Errorf("flow %s: %w", r.pipeline.name, err)
		}
	}
	for i, in := range r.intakes {
		if err := in.open(ctx); err != nil {
			for _, opened := range r.intakes[:i] {
				err = errors.Join(err, opened.close())
			}

			return err
		}
	}

	return nil
}

func (r *run) closeIntakes() error {
	var errs []error
	for _, in := range r.intakes {
		errs = append(errs, in.close())
	}

	return errors.Join(errs...)
}

// await ends the run in order (invariant 9): reading and stages, confirmations and
// settlements, leases, flushes.
func (r *run) await() {
	turns.Wait(r.keeper, "end of stages", r.working.Wait)
	r.idle.Store(true)
	for _, end := range r.enders {
		end(false)
	}
	for _, in := range r.intakes {
		in.poke()
	}
	if r.torn.Load() {
		r.giveUp()
	}
	turns.Wait(r.keeper, "end of settling", r.serving.Wait)
	close(r.settled)
	turns.Wait(r.keeper, "end of extending", r.extending.Wait)
	r.flush()
	close(r.done)
}

func (r *run) flush() {
	for _, s := range r.sinks {
		if err := guard(func() error { return s.sink.Flush(r.settleCtx) }); err != nil {
			r.fail(&StageError{
				Flow: r.pipeline.name, Stage: s.station.name, At: s.station.node.at.String(), Err: fmt.Errorf("flush: %w", err),
			})
		}
	}
}

// drain stops reading and gives what is in flight until the limit to finish.
func (r *run) drain(limit time.Duration, cause error) {
	r.draining.Do(func() {
		r.stopReading(cause)
		for _, in := range r.intakes {
			in.poke()
		}
		for _, l := range r.pressure.lanes {
			l.rouse() // one that lets messages go on at their time gives them back instead
		}
		r.deadline = time.AfterFunc(max(limit, 0), r.abort)
	})
}

// abort ends the context of user functions, and after a grace period the wait for them.
func (r *run) abort() {
	select {
	case <-r.done:
		return
	default:
	}
	r.end(connector.ErrStopped)
	time.AfterFunc(r.config.Grace, func() {
		r.stopSettling()
		select {
		case <-r.done:
		default:
			r.giveUp()
		}
	})
}

// end ends the context of user functions.
func (r *run) end(cause error) {
	r.aborted.Store(true)
	r.cancel(cause)
}

// giveUp ends the wait for what does not end.
func (r *run) giveUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.gaveUp:
	default:
		close(r.gaveUp)
	}
}

// fail notes the first error that ends the run, and drains.
func (r *run) fail(err error) {
	r.mu.Lock()
	first := r.failure == nil
	if first {
		r.failure = err
	}
	r.mu.Unlock()
	if first {
		r.config.Logger.Error("pipeline failed", zap.String("flow", r.pipeline.name), zap.Error(err))
		r.drain(r.config.Drain, err)
	}
}

// stopping reports whether the run ends before its input does.
func (r *run) stopping() bool { return r.reading.Err() != nil }

// stopped reports whether err comes of the stop and not of the message (invariant 6).
func (r *run) stopped(err error) bool {
	return r.ctx.Err() != nil || errors.Is(err, connector.ErrStopped)
}

// outcome is what Run returns.
func (r *run) outcome() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := r.left()
	if left.InFlight == 0 && (r.failure != nil || left.Unconfirmed == 0) {
		return r.failure
	}

	return errors.Join(r.failure, &StoppedError{Flow: r.pipeline.name, Left: left})
}

// left is what this run did not finish.
func (r *run) left() Left {
	left := Left{Returned: r.returned.Load()}
	for _, in := range r.intakes {
		inFlight, unconfirmed := in.left()
		left.InFlight += inFlight
		left.Unconfirmed += unconfirmed
	}

	return left
}

// spawn runs part of the run on a goroutine of its own, counted in group. A goroutine
// that a user function ends (runtime.Goexit, which t.FailNow calls) stops the run, and
// resume goes on in its place, so that nobody waits for it for ever.
func (r *run) spawn(group *sync.WaitGroup, body, resume func()) {
	var ticket uint64
	if r.keeper != nil {
		ticket = r.keeper.Ticket()
	}
	group.Go(func() {
		if r.keeper != nil {
			r.keeper.Take("start", ticket)
		}
		returned := false
		defer func() {
			if returned {
				return
			}
			r.torn.Store(true)
			r.end(connector.ErrStopped)
			r.fail(errGoexit)
			if resume != nil {
				r.spawn(group, resume, resume)
			}
		}()
		body()
		returned = true
	})
}

var errGoexit = errors.New("flow: a user function ended its goroutine with runtime.Goexit (t.FailNow and t.Fatal do): " +
	"return an error instead")

// awaitTick waits for the ticker; it reports false when everything is settled.
func (r *run) awaitTick(ticker *time.Ticker) bool {
	turns.Wait(r.keeper, "extender", func() {
		select {
		case <-r.settled:
		case <-ticker.C:
		}
	})
	select {
	case <-r.settled: // which counts if both have come
		return false
	default:
		return true
	}
}

// event logs what an operator may want to know and nobody returns.
func (r *run) event(text string, s *station, err error, delay time.Duration) {
	fields := []zap.Field{zap.String("flow", r.pipeline.name), zap.Error(err), zap.Duration("delay", delay)}
	if s != nil {
		fields = append(fields, zap.String("stage", s.name))
	}
	r.config.Logger.Warn(text, fields...)
}
