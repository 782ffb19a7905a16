package flowtest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/flow/flowtest"
)

func TestFeedAndIdle(t *testing.T) {
	flowtest.Test(t, func(t *testing.T) {
		feed, sink := memory.NewFeed[string](), memory.NewSink[int]()
		r := flowtest.Start(t, numbers(feed, sink))
		r.Idle()
		flowtest.Values(t, sink.Values())
		feed.Send("1", "2")
		r.Idle()
		flowtest.Values(t, sink.Values(), 1, 2)
		feed.Send("3")
		feed.Finish()
		r.Wait()
		flowtest.Values(t, sink.Values(), 1, 2, 3)
	})
}

func TestIdlePassesNoTime(t *testing.T) {
	flowtest.Test(t, func(t *testing.T) {
		feed, sink := memory.NewFeed(1), memory.NewSink[int]()
		r := flowtest.Start(t, flow.New("batches", flow.From(feed).Batch(2, time.Minute).To(sink)))
		start := time.Now()
		r.Idle()
		if flowtest.Values(t, sink.Values()); time.Since(start) != 0 {
			t.Errorf("took %v", time.Since(start))
		}
		time.Sleep(time.Minute)
		r.Idle()
		flowtest.Values(t, sink.Values(), 1)
		if left := r.Stop(); !left.Clean() {
			t.Errorf("left %+v", left)
		}
	})
}

func TestStopReturnsWhatWasLeft(t *testing.T) {
	flowtest.Test(t, func(t *testing.T) {
		source := flowtest.Watch(memory.NewFeed(1, 2))
		r := flowtest.Start(t, flow.New("waits", flow.From(source).ForEach(func(ctx context.Context, _ int) error {
			<-ctx.Done()
			return ctx.Err()
		})))
		r.Idle()
		source.Want(t, connector.Pending, 1, 2)
		if left := r.Stop(); left != (flow.Left{Returned: 2}) {
			t.Errorf("left %+v", left)
		}
		source.Want(t, connector.Returned, 1, 2)
		if left := r.Stop(); !left.Clean() {
			t.Errorf("the second Stop left %+v", left)
		}
		r.Wait()
	})
}

func TestATestThatForgetsToStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := numbers(memory.NewFeed("1"), memory.NewSink[int]())
		record(t, func(t testing.TB) { flowtest.Start(t, p).Idle() }).wantPass()
		if state := p.Health().State; state != flow.Stopped {
			t.Errorf("the pipeline is %s", state)
		}
	})
}

func TestAFailureIsReportedAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := each(memory.NewFeed(1), func(context.Context, int) error { return errDown })
		r := record(t, func(t testing.TB) { flowtest.Start(t, p) })
		if r.wantError(errDown.Error()); r.stopped {
			t.Error("a cleanup ended the test")
		}
	})
}

func TestIdleFailsWithThePipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := each(memory.NewFeed(1), func(context.Context, int) error { return errDown })
		record(t, func(t testing.TB) { flowtest.Start(t, p).Idle() }).wantFatal(errDown.Error())
	})
}

func TestAFailureIsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := each(memory.NewFeed(1), func(context.Context, int) error { return errDown })
		record(t, func(t testing.TB) {
			r := flowtest.Start(t, p)
			defer r.Stop()
			r.Idle()
		}).wantFatal(errDown.Error())
	})
}

func TestIdleNeedsVirtualTime(t *testing.T) {
	p := numbers(memory.NewFeed[string](), memory.NewSink[int]())
	record(t, func(t testing.TB) { flowtest.Start(t, p).Idle() }).wantFatal("flowtest.Test(t, func(t *testing.T)")
}

func TestStartStopInRealTime(t *testing.T) {
	p := numbers(memory.NewFeed[string](), memory.NewSink[int]())
	for range 100 {
		record(t, func(t testing.TB) { flowtest.Start(t, p).Stop() }).wantPass()
	}
}

func TestStartAfterAFailure(t *testing.T) {
	source := memory.NewFeed[int]()
	source.ScriptRead(memory.Fail(connector.Permanent(errDown)))
	p := each(source, func(context.Context, int) error { return nil })
	if err := flowtest.RunFails(t, p); connector.ClassOf(err) != connector.ClassPermanent {
		t.Errorf("error %v", err)
	}
	flowtest.Start(t, p).Stop()
}

func TestOnlyOneRunAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := numbers(memory.NewFeed[string](), memory.NewSink[int]())
		r := flowtest.Start(t, p)
		record(t, func(t testing.TB) { flowtest.Run(t, p) }).wantFatal("running already")
		r.Stop()
	})
}
