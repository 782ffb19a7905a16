package flowtest

import (
	"context"
	"fmt"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/millrace-go/millrace/flow"
)

// Running is a pipeline that a test has started. Its methods are for the goroutine of
// the test.
type Running struct {
	t      testing.TB
	p      *flow.Pipeline
	before flow.Ledger
	// label marks the goroutines of the run.
	label string
	ended chan struct{}
	// err is what Run returned, once ended is closed.
	err    error
	judged bool
}

// Start runs a pipeline in the background and returns once it runs. A pipeline that the
// test neither stops nor waits for is stopped, and checked, at the end of the test.
func Start(t testing.TB, p *flow.Pipeline) *Running {
	t.Helper()
	if p == nil {
		t.Fatal("flowtest: the pipeline is nil: make one with flow.New")
	}
	r := &Running{t: t, p: p, before: p.Ledger(), ended: make(chan struct{})}
	r.label = fmt.Sprintf("%s %p", t.Name(), r)
	t.Cleanup(r.cleanup)
	go pprof.Do(t.Context(), pprof.Labels(labelKey, r.label), func(ctx context.Context) {
		defer close(r.ended)
		r.err = p.Run(ctx)
		covered.note(p)
	})
	for !r.begun() && !rest() {
		time.Sleep(time.Millisecond)
	}

	return r
}

// begun reports whether Run has got so far that Stop will find it.
func (r *Running) begun() bool {
	state := r.p.Health().State

	return state == flow.Running || state == flow.Draining || r.hasEnded()
}

// Idle waits until the pipeline has done everything that it can do without time passing
// and without further input. What waits for a timer, such as a batch that is not full,
// stays where it is: pass the time with time.Sleep and call Idle again. It ends the
// test when the pipeline has failed, and outside of virtual time.
func (r *Running) Idle() {
	r.t.Helper()
	if !rest() {
		r.t.Fatal("flowtest: Idle needs virtual time: write the test inside flowtest.Test(t, func(t *testing.T) { ... })")
	}
	if r.hasEnded() && r.err != nil {
		r.judge(r.t.Fatal)
	}
}

// Wait waits until the pipeline ends by itself, and checks it as [Run] does.
func (r *Running) Wait() {
	r.t.Helper()
	r.await()
	r.judge(r.t.Fatal)
}

// Stop stops the pipeline as flow.Pipeline.Stop does, checks it as [Run] does, and returns
// what was not finished: messages that went back to their source are no fault. A second
// Stop returns nothing.
func (r *Running) Stop() flow.Left {
	r.t.Helper()
	left := r.stop()
	r.judge(r.t.Fatal)

	return left
}

func (r *Running) stop() flow.Left {
	// The error is that of Run as well.
	left, _ := r.p.Stop(context.WithoutCancel(r.t.Context()))
	<-r.ended

	return left
}

// How long a run may go on.
const (
	virtualLimit = 24 * time.Hour
	realLimit    = 5 * time.Minute
)

// await returns when the run has ended, and ends the test when it does not.
func (r *Running) await() {
	r.t.Helper()
	limit := realLimit
	if rest() {
		limit = virtualLimit
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-r.ended:
		return
	case <-timer.C:
	}
	before := r.p.Ledger()
	r.stop()
	r.judged = true
	r.t.Fatalf("flowtest: pipeline %s has not ended within %v: let its sources end (Finish on a memory.NewFeed), "+
		"or use Start and Stop\n\tledger: %v", r.p.Name(), limit, before)
}

func (r *Running) hasEnded() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// judge reports what is wrong with a run that has ended, once.
func (r *Running) judge(report func(...any)) {
	r.t.Helper()
	if r.judged {
		return
	}
	r.judged = true
	if problem := verdict(r.ledger(), r.err, r.leaks(), Closed); problem != nil {
		report(problem)
	}
}

func (r *Running) cleanup() {
	if !r.judged {
		r.stop()
		r.judge(r.t.Error)
	}
}

// ledger is what this run has added to the ledger of the pipeline.
func (r *Running) ledger() flow.Ledger { return since(r.before, r.p.Ledger()) }
