package flow_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

// The tests in this file hold the invariants of ARCHITECTURE.md at places that the tests
// of single stages do not reach.

// stock is a source that hands out what it has with io.EOF, in one Read.
type stock struct {
	caps   connector.Capabilities
	values []int
	// settling, where set, is called by Settle.
	settling func([]connector.Settlement)
	settled  []connector.Settlement
	extended atomic.Int64
	revoke   func(ctx context.Context, partitions []string) error
	// hold, where set, keeps the end of the input back.
	hold chan struct{}
}

func (s *stock) Describe() connector.Capabilities { return s.caps }

func (s *stock) Open(context.Context) (connector.Reader[int], error) { return s, nil }

func (s *stock) Read(ctx context.Context, limit int) ([]connector.Message[int], error) {
	if len(s.values) == 0 {
		if s.hold != nil {
			select {
			case <-s.hold:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}

		return nil, io.EOF
	}
	var ms []connector.Message[int]
	for len(s.values) > 0 && len(ms) < limit {
		ms = append(ms, connector.NewMessage(s.values[0], connector.Fields{
			Position: connector.Position{Partition: "p", Offset: int64(s.values[0])},
		}))
		s.values = s.values[1:]
	}
	if len(s.values) > 0 || s.hold != nil {
		return ms, nil
	}

	return ms, io.EOF
}

func (s *stock) Settle(_ context.Context, settlements []connector.Settlement) error {
	if s.settling != nil {
		s.settling(settlements)
	}
	s.settled = append(s.settled, settlements...)

	return nil
}

func (s *stock) Extend(context.Context, []connector.Position) error {
	s.extended.Add(1)

	return nil
}

func (s *stock) OnRevoke(wait func(ctx context.Context, partitions []string) error) { s.revoke = wait }

func (s *stock) Close() error { return nil }

func TestMessagesThatComeWithTheEndCount(t *testing.T) {
	both(t, "end", func(t *testing.T, from func(connector.Source[int]) flow.Flow[int]) {
		source, sink := &stock{values: numbers(3)}, memory.NewSink[int]()
		p := flow.New("end", from(source).To(sink))
		mustRun(t, p)
		if got := sink.Values(); !slices.Equal(got, numbers(3)) || len(source.settled) != 3 {
			t.Errorf("delivered %v, settled %v", got, source.settled)
		}
	})
}

// A settlement has nothing of an earlier one in its place.
func TestSettlementsAreNotMixedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &stock{caps: connector.Capabilities{Returns: true}, values: numbers(2)}
		mustRun(t, flow.New("mixed", flow.From(source).Map(failAt(1)).To(memory.NewSink[int]())).With(flow.Config{Chunk: 1}))
		if len(source.settled) != 2 {
			t.Fatalf("settled %v", source.settled)
		}
		if first := source.settled[0]; first.Outcome != connector.Returned || first.Cause == nil || first.Delay == 0 {
			t.Errorf("the message that failed is settled %+v", first)
		}
		if second := source.settled[1]; second.Outcome != connector.Delivered || second.Cause != nil || second.Delay != 0 {
			t.Errorf("the message behind it is settled %+v", second)
		}
	})
}

// A message has nothing of the one that was in its place in the chunk before.
func TestChunksAreNotMixedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recorder := flow.NewRecorder(flow.RecorderConfig{Every: 3})
		mustRun(t, flow.New("chunks", flow.From(memory.NewSource(numbers(5)...)).To(memory.NewSink[int]())).
			With(flow.Config{Chunk: 2, Recorder: recorder}))
		if got, want := ids(recorder.Recordings()), "memory:1 memory:4"; got != want {
			t.Errorf("recorded %s, want %s", got, want)
		}
	})
}

// What is inside a queue in memory at the drain deadline goes back to the source.
func TestStopReturnsWhatIsInAQueueInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewFeed(numbers(20)...)
		p := start(t, flow.New("hop", flow.From(source).Via(memoryQueue(t, 10)).
			ForEach(func(ctx context.Context, _ int) error {
				<-ctx.Done()

				return ctx.Err()
			})).With(flow.Config{Chunk: 1}))
		left, err := p.stop(time.Second)
		if err != nil || left.InFlight != 0 {
			t.Errorf("left %+v, %v", left, err)
		}
		if err := p.wait(); err != nil {
			t.Error(err)
		}
		if l := p.Ledger().Source; l.InFlight != 0 || l.Returned != l.In || source.InFlight() != 0 {
			t.Errorf("ledger %v, %d in flight at the source", l, source.InFlight())
		}
	})
}

// A worker of a parallel stage begins nothing after the drain deadline.
func TestWorkersBeginNothingAfterTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		p := start(t, flow.New("workers", flow.From(memory.NewFeed(numbers(8)...)).
			Parallel(1, func(f flow.Flow[int]) flow.Flow[int] {
				return f.Map(func(ctx context.Context, _ int) (int, error) {
					calls++
					<-ctx.Done()

					return 0, ctx.Err()
				})
			}).To(memory.NewSink[int]())))
		if _, err := p.stop(time.Second); err != nil {
			t.Error(err)
		}
		if err := p.wait(); err != nil {
			t.Error(err)
		}
		if calls != 1 {
			t.Errorf("%d calls, want the one that was under way", calls)
		}
		wantLedger(t, p.Pipeline, flow.Line{In: 8, Returned: 8}, flow.Line{})
	})
}

// A Retry does not repeat what says that it was stopped.
func TestRetryEndsWithTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		source := &stock{caps: connector.Capabilities{Returns: true}, values: numbers(1)}
		mustRun(t, flow.New("stopped", flow.From(source).Retry(retry.Policy{Attempts: 5}).
			ForEach(func(context.Context, int) error {
				calls++

				return connector.ErrStopped
			})))
		if calls != 1 {
			t.Errorf("%d calls", calls)
		}
	})
}

// A stage that says that it was stopped, while the pipeline is not, gets its message again
// after a delay.
func TestStoppedWithoutAStopIsDelayed(t *testing.T) {
	both(t, "stopped", func(t *testing.T, from func(connector.Source[int]) flow.Flow[int]) {
		var at []time.Duration
		began := time.Now()
		mustRun(t, flow.New("alone", from(memory.NewSource(1)).ForEach(func(context.Context, int) error {
			if at = append(at, time.Since(began)); len(at) < 4 {
				return connector.ErrStopped
			}

			return nil
		})))
		for i := 1; i < len(at); i++ {
			if at[i]-at[i-1] < 100*time.Millisecond {
				t.Fatalf("handed out at %v", at)
			}
		}
	})
}

// A stored group that a stop interrupts below is no failure: it stays stored.
func TestStopWhileAStoredGroupIsBelow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, sink := memory.NewStore(), memory.NewSink[group]()
		build := func(values []int, below func(context.Context, group) (group, error)) *flow.Pipeline {
			return flow.New("groups", flow.From(memory.NewFeed(values...)).KeyBy(parity).StoredIn(store).
				Aggregate(flow.Completion{Count: 1}, sumUp).As("sums").Map(below).To(sink))
		}
		p := start(t, build([]int{1}, func(ctx context.Context, g group) (group, error) {
			<-ctx.Done()

			return g, ctx.Err()
		}))
		if _, err := p.stop(time.Second); err != nil {
			t.Error(err)
		}
		if err := p.wait(); err != nil {
			t.Errorf("Run: %v", err)
		}
		p = start(t, build(nil, func(_ context.Context, g group) (group, error) { return g, nil }))
		if got := sink.Values(); len(got) != 1 || got[0].Value != 1 {
			t.Errorf("groups %v, want the one that was interrupted", got)
		}
		_, _ = p.stop(time.Second)
		_ = p.wait()
	})
}

// A failure while a supervisor stops its pipelines is reported.
func TestSupervisorReportsAFailureDuringTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		source := memory.NewFeed(1)
		source.Declare(connector.Capabilities{}) // takes nothing back
		p := flow.New("late", flow.From(source).ForEach(func(context.Context, int) error {
			cancel()
			time.Sleep(time.Second)

			return errBad
		}))
		if err := flow.Supervise(flow.SupervisorConfig{}, p).Run(ctx); !errors.Is(err, errBad) {
			t.Errorf("error %v, want the failure", err)
		}
	})
}

// A PartialError that does not fit the Write says nothing about any message.
func TestPartialErrorWithTooManyMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rejected := newDead()
		sink := connector.SinkFunc[int](func(_ context.Context, ms []connector.Message[int]) error {
			e := connector.NewPartialError(len(ms) + 1)
			for i := range e.Members {
				e.Members[i].Fate = connector.Accepted
			}

			return e
		})
		p := flow.New("fates", flow.From(memory.NewSource(1, 2)).DeadLetter(rejected).Batch(2, 0).To(sink))
		mustRun(t, p)
		wantLedger(t, p, flow.Line{In: 2, DeadLettered: 2}, flow.Line{})
		for _, l := range rejected.Values() {
			if l.Class != connector.ClassAmbiguous.String() {
				t.Errorf("letter %+v", l)
			}
		}
	})
}

// Of several parts that ended alike, the parent has the cause of the first.
func TestParentHasTheFirstCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewSource(1)
		mustRun(t, flow.New("parts", flow.From(source).Split(twice).DeadLetter(newDead()).
			ForEach(func(context.Context, int) error { return errBad })))
		settled := source.Settled()
		if len(settled) != 1 || settled[0].Outcome != connector.DeadLettered || settled[0].Cause == nil ||
			!strings.Contains(settled[0].Cause.Error(), "memory:1/1") {
			t.Errorf("settled %+v, want the cause of the first part", settled)
		}
	})
}

// forgetful is a store in which the claims of one key are lost, and whose first
// confirmation takes a second.
type forgetful struct {
	*memory.Store

	lost  string
	began bool
}

func (s *forgetful) Confirm(ctx context.Context, ttl time.Duration, claims ...connector.Claim) error {
	if !s.began {
		s.began = true
		time.Sleep(time.Second)
	}
	for _, c := range claims {
		if c.Key == s.lost {
			return connector.ErrFenced
		}
	}

	return s.Store.Confirm(ctx, ttl, claims...)
}

// One claim that was lost fails its own message, and not those confirmed together with it.
func TestALostClaimFailsItsMessageAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &forgetful{Store: memory.NewStore(), lost: `"once"/"keys"/k3`}
		source := memory.NewFeed(1)
		p := start(t, flow.New("once", flow.From(source).
			Once(store, func(n int) string { return "k" + string(rune('0'+n)) }, 0).As("keys").
			DeadLetter(newDead()).To(memory.NewSink[int]())))
		source.Send(2, 3, 4) // while the first is being confirmed
		synctest.Wait()
		time.Sleep(time.Minute)
		for n, want := range map[string]connector.Outcome{
			"memory:1": connector.Delivered, "memory:2": connector.Delivered, "memory:4": connector.Delivered,
		} {
			if got := source.Outcome(n); got != want {
				t.Errorf("%s ended as %v", n, got)
			}
		}
		if source.Outcome("memory:3").Done() {
			t.Error("the message whose claim was lost is done")
		}
		_, _ = p.stop(time.Second)
		_ = p.wait()
	})
}

// A Buffer lets as many messages wait as it says.
func TestBufferBlocksAtItsSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, release := memory.NewFeed(1), make(chan struct{})
		came := 0
		p := start(t, flow.New("size", flow.From(source).
			Observe(func(connector.Message[int]) { came++ }).Buffer(2, flow.Block).
			ForEach(func(context.Context, int) error {
				<-release

				return nil
			})))
		source.Send(numbers(9)...)
		synctest.Wait()
		if want := 1 + 2 + 1; came != want { // below, in the Buffer, before it
			t.Errorf("%d messages came, want %d", came, want)
		}
		close(release)
		source.Finish()
		if err := p.wait(); err != nil {
			t.Error(err)
		}
	})
}

// A lane that always has work keeps the time of a batch.
func TestABusyLaneKeepsItsTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := memory.NewSink[int]()
		slow := func(_ context.Context, n int) (int, error) {
			time.Sleep(100 * time.Millisecond)

			return n, nil
		}
		mustRun(t, flow.New("busy", flow.From(memory.NewSource(numbers(100)...)).Map(slow).Batch(1000, time.Second).To(sink)).
			With(flow.Config{Chunk: 1}))
		if got := sink.Writes(); len(got) < 8 || slices.Max(got) > 12 {
			t.Errorf("batches of %v, want one about every second", got)
		}
	})
}

// A partition stays until everything of it is settled.
func TestRevocationWaitsForSettlement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &stock{
			caps:   connector.Capabilities{Returns: true, Partitioned: true},
			values: numbers(1), hold: make(chan struct{}),
		}
		release := make(chan struct{})
		p := start(t, flow.New("partitions", flow.From(source).ForEach(func(context.Context, int) error {
			<-release

			return nil
		})))
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := source.revoke(short, []string{"p"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("revoked with a message in flight: %v", err)
		}
		if err := source.revoke(t.Context(), []string{"another"}); err != nil {
			t.Errorf("a partition without messages: %v", err)
		}
		gone := make(chan error, 1)
		go func() { gone <- source.revoke(t.Context(), []string{"p"}) }()
		synctest.Wait()
		select {
		case err := <-gone:
			t.Errorf("revoked with a message in flight: %v", err)
		default:
		}
		close(release)
		if err := <-gone; err != nil || len(source.settled) != 1 {
			t.Errorf("revoked with %v, settled %v", err, source.settled)
		}
		close(source.hold)
		if err := p.wait(); err != nil {
			t.Error(err)
		}
	})
}

// Leases are extended until the last settlement has been taken.
func TestLeasesLastUntilEverythingIsSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &stock{caps: connector.Capabilities{Returns: true, Lease: 30 * time.Second}, values: numbers(1)}
		source.settling = func([]connector.Settlement) { time.Sleep(time.Minute) }
		mustRun(t, flow.New("slow", flow.From(source).To(memory.NewSink[int]())))
		if n := source.extended.Load(); n < 5 {
			t.Errorf("extended %d times in the minute of the settlement, want a third of the lease of 30 s", n)
		}
	})
}

// The message of a call that ends its goroutine goes back to its source.
func TestGoexitReturnsItsMessage(t *testing.T) {
	exit := func(context.Context, int) (int, error) {
		runtime.Goexit()

		return 0, nil
	}
	for name, stage := range map[string]func(flow.Flow[int]) flow.Flow[int]{
		"on a lane": func(f flow.Flow[int]) flow.Flow[int] { return f.Map(exit).Batch(3, 0).MapEach(sameAll) },
		"buffer":    func(f flow.Flow[int]) flow.Flow[int] { return f.Buffer(2, flow.Block).Map(exit) },
		"tee": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Buffer(2, flow.Block).Tee(func(f flow.Flow[int]) flow.End { return f.ForEach(ignore) }).Map(exit)
		},
		"split": func(f flow.Flow[int]) flow.Flow[int] { return f.Buffer(2, flow.Block).Split(twice).Map(exit) },
		"parts in a fan": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Split(twice).Split(twice).Batch(1, 0).MapEach(sameAll).Map(exit)
		},
		"the iterator": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Buffer(2, flow.Block).Split(func(ctx context.Context, n int) iter.Seq2[int, error] {
				return func(yield func(int, error) bool) { yield(n, nil); _, _ = exit(ctx, n) }
			})
		},
	} {
		bubble(t, name, func(t *testing.T) {
			source := memory.NewSource(1)
			p := flow.New("exit", stage(flow.From(source)).To(memory.NewSink[int]()))
			if err := p.Run(t.Context()); err == nil {
				t.Error("no error")
			}
			synctest.Wait()
			if l := p.Ledger(); l.Source.InFlight != 0 || l.Source.Returned != 1 || l.Derived.InFlight != 0 {
				t.Errorf("ledger %v", l)
			}
			for _, s := range source.Settled() {
				if s.Cause == nil || !strings.Contains(s.Cause.Error(), "Goexit") {
					t.Errorf("the cause is %v", s.Cause)
				}
			}
		})
	}
}
