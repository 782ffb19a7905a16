package flow_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

func TestStopDrains(t *testing.T) {
	type part = func(flow.Flow[int]) flow.Flow[int]
	slow := func(_ context.Context, n int) (int, error) {
		time.Sleep(time.Second)

		return n, nil
	}
	tests := map[string]struct {
		stage part
		// least is how many are finished when the stop is called.
		want int64
	}{
		"batch that waits":   {func(f flow.Flow[int]) flow.Flow[int] { return f.Batch(100, time.Hour).MapEach(sameAll) }, 10},
		"batch without wait": {func(f flow.Flow[int]) flow.Flow[int] { return f.Batch(100, 0).MapEach(sameAll) }, 10},
		"buffer":             {func(f flow.Flow[int]) flow.Flow[int] { return f.Buffer(20, flow.Block).Map(slow) }, 10},
		"parallel": {func(f flow.Flow[int]) flow.Flow[int] {
			return f.Parallel(2, func(f flow.Flow[int]) flow.Flow[int] { return f.Map(slow) })
		}, 10},
		"batch in parallel": {func(f flow.Flow[int]) flow.Flow[int] {
			return f.Unordered(2, func(f flow.Flow[int]) flow.Flow[int] { return f.Batch(100, 0).MapEach(sameAll) })
		}, 10},
		"split and batch": {func(f flow.Flow[int]) flow.Flow[int] { return f.Split(twice).Batch(100, 0).MapEach(sameAll) }, 10},
		"stored aggregate": {func(f flow.Flow[int]) flow.Flow[int] {
			return f.KeyBy(byOne).StoredIn(memory.NewStore()).Aggregate(flow.Completion{Count: 100}, sumUp).Map(value)
		}, 10},
	}
	for name, test := range tests {
		for _, way := range []string{"Stop", "the context of Run"} {
			bubble(t, name+" by "+way, func(t *testing.T) {
				source := memory.NewFeed(numbers(10)...)
				a := audit(t, source)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				p := flow.New("drain", test.stage(flow.From(a)).To(memory.NewSink[int]()))
				done := make(chan error, 1)
				go func() { done <- p.Run(ctx) }()
				synctest.Wait()
				if way == "Stop" {
					left, err := p.Stop(t.Context())
					if err != nil || !left.Clean() {
						t.Errorf("left %+v, error %v", left, err)
					}
				}
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
				if got := p.Ledger().Source; got != (flow.Line{In: 10, Delivered: test.want}) {
					t.Errorf("ledger %v", got)
				}
				a.ended()
			})
		}
	}
}

// hanging is a pipeline whose function returns only when it is told to.
func hanging(t *testing.T, obey bool) (p *running, source *memory.Source[int], release chan struct{}) {
	t.Helper()
	source, release = memory.NewFeed(1, 2, 3), make(chan struct{})
	p = start(t, flow.New("hang", flow.From(source).ForEach(func(ctx context.Context, _ int) error {
		if obey {
			<-ctx.Done()

			return ctx.Err()
		}
		<-release

		return nil
	})))

	return p, source, release
}

// TestDeadlines: user functions are cancelled at the deadline of the stop and given up
// after the grace period.
func TestDeadlines(t *testing.T) {
	tests := []struct {
		name  string
		stop  func(p *running) (flow.Left, error)
		obey  bool
		took  time.Duration
		left  flow.Left
		error bool
	}{
		{"deadline of Stop", func(p *running) (flow.Left, error) { return p.stop(7 * time.Second) }, true, 7 * time.Second, flow.Left{Returned: 3}, false},
		{"default of Config.Drain", func(p *running) (flow.Left, error) { return p.Stop(p.t.Context()) }, true, 30 * time.Second, flow.Left{Returned: 3}, false},
		{"deadline in the past", func(p *running) (flow.Left, error) { return p.stop(-time.Second) }, true, 0, flow.Left{Returned: 3}, false},
		{"context cancelled during Stop", func(p *running) (flow.Left, error) {
			ctx, cancel := context.WithCancel(p.t.Context())
			time.AfterFunc(3*time.Second, cancel)

			return p.Stop(ctx)
		}, true, 3 * time.Second, flow.Left{Returned: 3}, false},
		{"function that never returns", func(p *running) (flow.Left, error) { return p.stop(7 * time.Second) }, false, 12 * time.Second, flow.Left{InFlight: 3}, true},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			p, source, release := hanging(t, test.obey)
			begin := time.Now()
			left, err := test.stop(p)
			if left != test.left || (err != nil) != test.error || time.Since(begin) != test.took {
				t.Errorf("left %+v after %v, error %v", left, time.Since(begin), err)
			}
			err = p.wait()
			stopped, ok := errors.AsType[*flow.StoppedError](err)
			if ok != test.error || ok && stopped.Left != test.left {
				t.Errorf("Run returned %v", err)
			}
			if source.InFlight() != 0 {
				t.Error("the source was not closed")
			}
			close(release)
			synctest.Wait()
			if l := p.Ledger(); !l.Balanced() || l.Source.InFlight != 0 {
				t.Errorf("ledger after everything has returned: %v", l)
			}
		})
	}
}

// TestRunAgain: what an earlier run left does not weigh on the next one.
func TestRunAgain(t *testing.T) {
	bubble(t, "after a clean stop", func(t *testing.T) {
		source, sink := memory.NewFeed(1, 2), memory.NewSink[int]()
		p := flow.New("again", flow.From(source).Batch(10, 0).To(sink))
		for want := 2; want <= 6; want += 2 {
			r := start(t, p)
			if left, err := r.stop(time.Second); err != nil || !left.Clean() {
				t.Errorf("left %+v, error %v", left, err)
			}
			if err := r.wait(); err != nil {
				t.Error(err)
			}
			if len(sink.Values()) != want {
				t.Errorf("got %v", sink.Values())
			}
			source.Send(1, 2)
		}
	})
	bubble(t, "after one that left something", func(t *testing.T) {
		source, release, hang := memory.NewFeed(1), make(chan struct{}), true
		p := flow.New("again", flow.From(source).ForEach(func(context.Context, int) error {
			if hang {
				<-release
			}

			return nil
		}))
		r := start(t, p)
		if left, err := r.stop(time.Second); err == nil || left.InFlight != 1 {
			t.Errorf("left %+v, error %v", left, err)
		}
		if err := r.wait(); err == nil {
			t.Error("Run returned nil")
		}
		hang = false
		source.Finish()
		if err := p.Run(t.Context()); err != nil {
			t.Errorf("the second run pays for the first: %v", err)
		}
		close(release)
		synctest.Wait()
		wantLedger(t, p, flow.Line{In: 2, Delivered: 2, Unconfirmed: 1}, flow.Line{})
	})
}

func TestStopAtOddMoments(t *testing.T) {
	bubble(t, "before Run", func(t *testing.T) {
		p := flow.New("early", flow.From(memory.NewSource(1)).To(memory.NewSink[int]()))
		if left, err := p.Stop(t.Context()); err != nil || !left.Clean() {
			t.Errorf("left %+v, error %v", left, err)
		}
		mustRun(t, p)
	})
	bubble(t, "twice at once", func(t *testing.T) {
		p, _, _ := hanging(t, true)
		first := make(chan flow.Left)
		go func() {
			left, _ := p.Stop(context.Background())
			first <- left
		}()
		second, err := p.stop(time.Second)
		if err != nil || second.Returned != 3 || <-first != second {
			t.Errorf("left %+v, error %v", second, err)
		}
		if err := p.wait(); err != nil {
			t.Error(err)
		}
		if left, err := p.stop(time.Second); err != nil || !left.Clean() {
			t.Errorf("after the end: left %+v, error %v", left, err)
		}
	})
	for _, way := range []string{"Stop", "the context of Run"} {
		bubble(t, "while opening, by "+way, func(t *testing.T) {
			source := memory.NewSource(1)
			source.ScriptOpen(memory.Block(make(chan struct{})))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			p := flow.New("open", flow.From(source).To(memory.NewSink[int]()))
			done := make(chan error, 1)
			go func() { done <- p.Run(ctx) }()
			synctest.Wait()
			if way == "Stop" {
				if left, err := p.Stop(t.Context()); err != nil || !left.Clean() {
					t.Errorf("left %+v, error %v", left, err)
				}
			} else {
				cancel()
			}
			if err := <-done; err != nil {
				t.Errorf("Run returned %v", err)
			}
		})
	}
	bubble(t, "while an Open fails", func(t *testing.T) {
		source, other, release := memory.NewSource(1), memory.NewSource(1), make(chan struct{})
		source.ScriptOpen(memory.Block(release))
		other.ScriptOpen(memory.Fail(errBad))
		p := start(t, flow.New("open", flow.Merge(flow.From(source), flow.From(other)).To(memory.NewSink[int]())))
		stopped := make(chan error, 1)
		close(release)
		go func() {
			_, err := p.Stop(t.Context())
			stopped <- err
		}()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if err := p.wait(); err != nil && !errors.Is(err, errBad) {
			t.Error(err)
		}
	})
	bubble(t, "Run while it runs", func(t *testing.T) {
		p, _, _ := hanging(t, true)
		if err := p.Run(t.Context()); !errors.Is(err, flow.ErrRunning) {
			t.Errorf("error %v", err)
		}
		if _, err := p.stop(0); err != nil {
			t.Error(err)
		}
		if err := p.wait(); err != nil {
			t.Error(err)
		}
	})
}

// TestSettleThatHangs: outcomes that the source never confirmed are no clean end.
func TestSettleThatHangs(t *testing.T) {
	both(t, "settle", func(t *testing.T, from func(connector.Source[int]) flow.Flow[int]) {
		release := make(chan struct{})
		p := start(t, flow.New("hang", from(stuckSettle{memory.NewFeed(1), t, release}).To(memory.NewSink[int]())))
		left, err := p.stop(time.Second)
		if err != nil || left.Unconfirmed != 1 || left.InFlight != 0 {
			t.Errorf("left %+v, error %v", left, err)
		}
		if err := p.wait(); err == nil {
			t.Error("Run returned nil")
		}
		if l := p.Ledger().Source; l.Unconfirmed != 1 || l.Delivered != 1 {
			t.Errorf("ledger %v, %d unconfirmed", l, l.Unconfirmed)
		}
		close(release)
		synctest.Wait()
		if l := p.Ledger().Source; l.Unconfirmed != 0 {
			t.Errorf("the Settle succeeded after all, but %d are unconfirmed", l.Unconfirmed)
		}
	})
}

// stuckSettle has a reader whose Settle ignores its context.
type stuckSettle struct {
	*memory.Source[int]

	t       *testing.T
	release chan struct{}
}

func (s stuckSettle) Open(ctx context.Context) (connector.Reader[int], error) {
	r, err := s.Source.Open(ctx)

	return &stuckReader{Reader: r, t: s.t, release: s.release}, err
}

type stuckReader struct {
	connector.Reader[int]

	t       *testing.T
	release chan struct{}
	inside  bool
}

func (r *stuckReader) Settle(_ context.Context, s []connector.Settlement) error {
	r.inside = true
	defer func() { r.inside = false }()
	<-r.release

	return r.Reader.Settle(context.Background(), s)
}

func (r *stuckReader) Close() error {
	if r.inside {
		r.t.Error("Close while Settle runs")
	}

	return r.Reader.Close()
}

// TestNothingIsSettledAfterClose: a user function returns after the run gave it up and closed
// the source.
func TestNothingIsSettledAfterClose(t *testing.T) {
	both(t, "late", func(t *testing.T, from func(connector.Source[int]) flow.Flow[int]) {
		a, release := audit(t, memory.NewFeed(1)), make(chan struct{})
		p := start(t, flow.New("late", from(a).ForEach(func(context.Context, int) error {
			<-release

			return nil
		})))
		if left, err := p.stop(time.Second); err == nil || left.InFlight != 1 {
			t.Errorf("left %+v, error %v", left, err)
		}
		if err := p.wait(); err == nil {
			t.Error("Run returned nil")
		}
		close(release)
		synctest.Wait()
		wantLedger(t, p.Pipeline, flow.Line{In: 1, Delivered: 1, Unconfirmed: 1}, flow.Line{})
	})
}
