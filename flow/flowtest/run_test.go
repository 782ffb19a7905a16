package flowtest_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/flow/flowtest"
)

var errDown = errors.New("the database is down")

// numbers parses its messages; what is no number is rejected.
func numbers(source connector.Source[string], sink connector.Sink[int]) *flow.Pipeline {
	rejected := memory.NewSink[connector.DeadLetter[string]]()

	return flow.New("numbers", flow.From(source).DeadLetter(rejected).
		Map(func(_ context.Context, s string) (int, error) { return strconv.Atoi(s) }).
		To(sink))
}

// each runs fn on every message of a source that cannot take messages back.
func each(source *memory.Source[int], fn func(context.Context, int) error) *flow.Pipeline {
	source.Declare(connector.Capabilities{})

	return flow.New("each", flow.From(source).ForEach(fn))
}

// The first test that a user writes.
func TestOrders(t *testing.T) {
	flowtest.Test(t, func(t *testing.T) {
		source, sink := flowtest.Watch(memory.NewSource("5", "x", "7")), memory.NewSink[int]()

		flowtest.Run(t, numbers(source, sink))

		source.Want(t, connector.DeadLettered, "x")
		flowtest.Values(t, sink.Values(), 5, 7)
	})
}

func TestRunPassesInVirtualAndInRealTime(t *testing.T) {
	run := func(t *testing.T) {
		sink := memory.NewSink[int]()
		p := numbers(memory.NewSource("1", "2"), sink)
		record(t, func(t testing.TB) { flowtest.Run(t, p) }).wantPass()
		flowtest.Values(t, sink.Values(), 1, 2)
	}
	t.Run("real", run)
	t.Run("virtual", func(t *testing.T) { flowtest.Test(t, run) })
	t.Run("synctest", func(t *testing.T) { synctest.Test(t, run) })
}

func TestTestIsVirtual(t *testing.T) {
	flowtest.Test(t, func(t *testing.T) {
		start := time.Now()
		flowtest.Run(t, each(memory.NewSource(1), func(context.Context, int) error {
			time.Sleep(time.Hour)
			return nil
		}))
		if took := time.Since(start); took != time.Hour {
			t.Errorf("took %v", took)
		}
	})
}

func TestTestDoesNotNest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reached := false
		inner := &testing.T{}
		done := make(chan struct{})
		go func() {
			defer close(done)
			flowtest.Test(inner, func(*testing.T) { reached = true })
		}()
		<-done
		if !inner.Failed() || reached {
			t.Errorf("failed %v, ran %v", inner.Failed(), reached)
		}
	})
}

func TestRunFailsOnAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := each(memory.NewSource(1, 2), func(context.Context, int) error { return errDown })
		record(t, func(t testing.TB) {
			flowtest.Run(t, p)
			t.Error("Run returned")
		}).wantFatal("pipeline each", errDown.Error(), "RunFails", "2 in = 2 returned")
	})
}

func TestRunFailsOnADefinition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		record(t, func(t testing.TB) { flowtest.Run(t, flow.New("empty")) }).wantFatal("it has no end")
		record(t, func(t testing.TB) { flowtest.Run(t, nil) }).wantFatal("pipeline is nil", "flow.New")
	})
}

func TestRunFailsOnASourceThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		feed := memory.NewFeed("1")
		p := numbers(feed, memory.NewSink[int]())
		record(t, func(t testing.TB) { flowtest.Run(t, p) }).
			wantFatal("has not ended within 24h0m0s", "Finish", "1 in = 1 delivered")
		if state := p.Health().State; state != flow.Stopped {
			t.Errorf("the pipeline is %s", state)
		}
	})
}

func TestRunFailsOnUnconfirmedOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewSource("1")
		source.ScriptSettle(memory.Fail(errDown).Always())
		p := numbers(source, memory.NewSink[int]())
		record(t, func(t testing.TB) { flowtest.Run(t, p) }).wantFatal(errDown.Error())
	})
}

func TestEachRunIsJudgedByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewSource("1")
		source.ScriptSettle(memory.Fail(connector.Permanent(errDown)))
		p := numbers(source, memory.NewSink[int]())
		record(t, func(t testing.TB) { flowtest.RunFails(t, p) }).wantPass()
		if p.Ledger().Source.Unconfirmed != 1 {
			t.Errorf("ledger %v", p.Ledger())
		}
		record(t, func(t testing.TB) { flowtest.Run(t, p) }).wantPass()
	})
}

func TestRunFailsWithAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := each(memory.NewSource(1), func(context.Context, int) error { return errDown })
		if err := flowtest.RunFails(t, p); !errors.Is(err, errDown) {
			t.Errorf("error %v", err)
		}
		p = numbers(memory.NewSource("1"), memory.NewSink[int]())
		record(t, func(t testing.TB) { flowtest.RunFails(t, p) }).
			wantFatal("without an error", "1 in = 1 delivered")
	})
}

// stuck returns a pipeline whose stage ignores its context until release is closed.
func stuck(release <-chan struct{}) *flow.Pipeline {
	return each(memory.NewFeed(1), func(context.Context, int) error {
		<-release
		return nil
	})
}

func TestALeftStageFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		record(t, func(t testing.TB) {
			r := flowtest.Start(t, stuck(release))
			r.Idle()
			r.Stop()
		}).wantFatal("left goroutines behind", "flowtest_test.stuck", "1 message(s) still in flight", "context")
		close(release)
	})
}

func TestALeftStageFailsInRealTime(t *testing.T) {
	release := make(chan struct{})
	p := stuck(release).With(flow.Config{Drain: time.Millisecond, Grace: time.Millisecond})
	record(t, func(t testing.TB) {
		r := flowtest.Start(t, p)
		for p.Ledger().Source.InFlight == 0 {
			time.Sleep(time.Millisecond)
		}
		r.Stop()
	}).wantFatal("left goroutines behind", "flowtest_test.stuck")
	close(release)
}

func waitForEver() { <-make(chan struct{}) }

// A goroutine of user code that nothing can end. In a bubble, synctest reports it.
func TestALostGoroutineFails(t *testing.T) {
	p := each(memory.NewSource(1), func(context.Context, int) error {
		for range 3 {
			go waitForEver()
		}
		return nil
	})
	record(t, func(t testing.TB) { flowtest.Run(t, p) }).
		wantFatal("left goroutines behind", "\n\t3 in\n\t\tgithub.com/millrace-go/millrace/flow/flowtest_test.waitForEver")
}

// A pool may outlive the run that made it, and other tests have goroutines of their own.
func TestOtherGoroutinesAreNoLeak(t *testing.T) {
	for _, virtual := range []bool{false, true} {
		t.Run(strconv.FormatBool(virtual), func(t *testing.T) {
			run := func(t *testing.T) {
				end := make(chan struct{})
				go func() { <-end }()
				defer close(end)
				p := each(memory.NewSource(1), func(context.Context, int) error {
					go func() { <-end }()
					return nil
				})
				record(t, func(t testing.TB) { flowtest.Run(t, p) }).wantPass()
			}
			if virtual {
				synctest.Test(t, run)
			} else {
				run(t)
			}
		})
	}
}

func TestOtherRunsAreNoLeak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := flowtest.Start(t, numbers(memory.NewFeed[string](), memory.NewSink[int]()))
		record(t, func(t testing.TB) {
			flowtest.Run(t, numbers(memory.NewSource("1"), memory.NewSink[int]()))
		}).wantPass()
		if left := r.Stop(); !left.Clean() {
			t.Errorf("left %+v", left)
		}
	})
}

func TestFailuresAreReadable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := each(memory.NewSource(1), func(context.Context, int) error { return errDown })
		r := record(t, func(t testing.TB) { flowtest.Run(t, p) })
		text := r.failures[0]
		if strings.Count(text, errDown.Error()) != 1 || strings.Contains(text, "%!") {
			t.Error(text)
		}
	})
}
