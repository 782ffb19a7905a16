package flow_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/flow"
)

// bubble runs a test in virtual time. It fails when a goroutine is left behind.
func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// numbers returns 1 to n.
func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i + 1
	}

	return all
}

func wantLedger(t *testing.T, p *flow.Pipeline, source, derived flow.Line) {
	t.Helper()
	if l := p.Ledger(); l.Source != source || l.Derived != derived {
		t.Errorf("ledger %v with %d unconfirmed, want source %v with %d, derived %v",
			l, l.Source.Unconfirmed, source, source.Unconfirmed, derived)
	}
}

func mustRun(t *testing.T, p *flow.Pipeline) {
	t.Helper()
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// running is a pipeline that runs beside the test.
type running struct {
	*flow.Pipeline

	t    *testing.T
	done chan error
}

// start runs a pipeline and returns when all of its goroutines wait.
func start(t *testing.T, p *flow.Pipeline) *running {
	t.Helper()
	r := &running{Pipeline: p, t: t, done: make(chan error, 1)}
	go func() { r.done <- p.Run(t.Context()) }()
	synctest.Wait()

	return r
}

func (r *running) wait() error { return <-r.done }

// stop stops the pipeline within the limit.
func (r *running) stop(limit time.Duration) (flow.Left, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.t.Context()), limit)
	defer cancel()

	return r.Stop(ctx)
}

// flaky fails the first times that it is called.
func flaky(times int, err error) func(context.Context, int) (int, error) {
	return func(_ context.Context, n int) (int, error) {
		if times > 0 {
			times--

			return 0, err
		}

		return n, nil
	}
}
