package flow_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

// TestGraphShowsEveryOption, with its value.
func TestGraphShowsEveryOption(t *testing.T) {
	step := flow.Func("price", same)
	sink := flow.Into(intSink(memory.NewSink[int]()))
	keyed := func(f ints) flow.Keyed[string, int] { return f.KeyBy(byOne) }
	tests := []struct {
		stage string
		build func(f ints) flow.End
		want  string
	}{
		{"to", func(f ints) flow.End { return f.Batch(5, time.Second).To(memory.NewSink[int]()) }, "batch 5, wait 1s"},
		{"to", func(f ints) flow.End { return f.Batch(5, 0).Bytes(99, unit[int]).To(memory.NewSink[int]()) }, "batch 5, bytes 99"},
		{"to", func(f ints) flow.End { return f.Batch(5, 0).To(sink.Timeout(time.Second)) }, "timeout 1s, batch 5"},
		{"to", func(f ints) flow.End { return f.To(sink.Timeout(time.Second).Retry(retry.Policy{Attempts: 7})) }, "timeout 1s, retry 7 attempts"},
		{"batch-map-each", func(f ints) flow.End { return end(f.Batch(6, 0).MapEach(sameAll)) }, "batch 6"},
		{"buffer", func(f ints) flow.End { return end(f.Buffer(8, flow.DropOldest)) }, "size 8, full drop-oldest"},
		{"parallel", func(f ints) flow.End { return end(f.Parallel(3, nothing)) }, "goroutines 3, ordered true"},
		{"parallel", func(f ints) flow.End { return end(f.Unordered(4, nothing)) }, "goroutines 4, ordered false"},
		{"parallel", func(f ints) flow.End { return end(keyed(f).Parallel(5, nothing)) }, "goroutines 5, ordered false"},
		{"once", func(f ints) flow.End { return end(f.OncePerMessage(memory.NewStore(), time.Hour)) }, "ttl 1h0m0s"},
		{"aggregate", func(f ints) flow.End {
			return endGroup(keyed(f).Aggregate(flow.Completion{Count: 2, Idle: time.Second, NewKey: true}, sumUp))
		}, "count 2, idle 1s, new key true"},
		{"aggregate", func(f ints) flow.End {
			return endGroup(keyed(f).ForcedBy(new(flow.Force[string])).
				Aggregate(flow.Completion{Interval: time.Minute}, sumUp, even, odd))
		}, "interval 1m0s, predicates 2, forced true"},
		{"resequence", func(f ints) flow.End {
			return end(keyed(f).Resequence(toInt64(self), flow.Sequence{First: 1, Wait: time.Minute, Held: 9}))
		}, "first 1, wait 1m0s, held 9"},
		{"throttle", func(f ints) flow.End { return end(f.Throttle(flow.Rate{Limit: 5, Per: time.Second})) }, "rate 5 per 1s"},
		{"throttle", func(f ints) flow.End {
			return end(keyed(f).Throttle(flow.Rate{Limit: 5, Per: time.Second, Burst: 2}))
		}, "rate 5 per 1s, burst 2, keyed true"},
		{"delay", func(f ints) flow.End { return end(f.Delay(&delayQueue{}, inSeconds)) }, "durable false"},
		{"claim-check", func(f ints) flow.End {
			return f.ClaimCheck(memory.NewStore(), flow.ClaimConfig{TTL: time.Hour}).To(memory.NewSink[intClaim]())
		}, "max bytes 16777216, ttl 1h0m0s"},
		{"fold", func(f ints) flow.End { return endGroup(keyed(f).StoredIn(memory.NewStore()).Fold(sumUp)) }, "stored true"},
		{"fold", func(f ints) flow.End { return endGroup(keyed(f).Fold(sumUp)) }, ""},
		{"route", func(f ints) flow.End { return f.Route().Case("a", even, end).Case("b", even, end).Else(end) }, "case a, case b, case else"},
		{"retry", func(f ints) flow.End { return end(f.Retry(retry.Policy{})) }, "retry 3 attempts"},
		{"validate", func(f ints) flow.End {
			return end(f.Validate(func(int) error { return nil }, func(int) error { return nil }))
		}, "checks 2"},
		{"do", func(f ints) flow.End { return end(f.Do(step.Timeout(time.Second))) }, "timeout 1s"},
		{"enrich", func(f ints) flow.End { return end(f.Enrich(unit[int], step.As("other"), sumUp)) }, ""},
		{"do", func(f ints) flow.End { return end(f.Do(step.Then(flow.Func("next", same)))) }, "then next"},
		{"do", func(f ints) flow.End {
			return end(f.Do(flow.NewGather[int, int]("g").Need(step, set).Want(step.As("b"), setWant).Step()))
		}, "part price, part b"},
		{"via", func(f ints) flow.End { return end(f.Via(&idleQueue{Sink: memory.NewSink[int]()})) }, "durable false"},
	}
	for _, test := range tests {
		p := flow.New("options", test.build(flow.From(memory.NewSource(1))))
		if err := p.Check(); err != nil {
			t.Errorf("stage %s: %v", test.stage, err)
		}
		var got []string
		for _, s := range p.Graph().Stages {
			if s.Name != test.stage {
				continue
			}
			for _, o := range s.Options {
				got = append(got, o.Name+" "+o.Value)
			}
		}
		if text := strings.Join(got, ", "); text != test.want {
			t.Errorf("stage %s has the options %q, want %q", test.stage, text, test.want)
		}
	}
}

// delayQueue is never opened.
type delayQueue struct{ *idleQueue }

func (*delayQueue) Describe() connector.Capabilities { return connector.Capabilities{Delays: true} }

func setWant(view *int, n int, _ error) { *view = n }

// stuck is a pipeline with one message whose function returns when its context ends and
// some time has passed.
func stuck(after time.Duration, config flow.Config) *flow.Pipeline {
	return flow.New("stuck", flow.From(memory.NewFeed(1)).ForEach(func(ctx context.Context, _ int) error {
		<-ctx.Done()
		time.Sleep(after)

		return ctx.Err()
	})).With(config)
}

// TestDrain is how long what is in flight may take when the context of Run ends, or Stop
// has no deadline.
func TestDrain(t *testing.T) {
	for _, test := range []struct{ set, want time.Duration }{{0, 30 * time.Second}, {7 * time.Second, 7 * time.Second}} {
		bubble(t, fmt.Sprintf("Run, %v", test.set), func(t *testing.T) {
			began, p := time.Now(), stuck(0, flow.Config{Drain: test.set})
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Hour, cancel)
			if err := p.Run(ctx); err != nil || time.Since(began) != time.Hour+test.want {
				t.Errorf("it ended after %v: %v", time.Since(began), err)
			}
			wantLedger(t, p, flow.Line{In: 1, Returned: 1}, flow.Line{})
		})
		bubble(t, fmt.Sprintf("Stop, %v", test.set), func(t *testing.T) {
			p := start(t, stuck(0, flow.Config{Drain: test.set}))
			began := time.Now()
			if left, err := p.Stop(context.Background()); err != nil || left.Returned != 1 || time.Since(began) != test.want {
				t.Errorf("it ended after %v: %+v, %v", time.Since(began), left, err)
			}
			if err := p.wait(); err != nil {
				t.Error(err)
			}
		})
	}
	bubble(t, "Stop with a deadline", func(t *testing.T) {
		p := start(t, stuck(0, flow.Config{Drain: time.Hour}))
		began := time.Now()
		if left, err := p.stop(3 * time.Second); err != nil || left.Returned != 1 || time.Since(began) != 3*time.Second {
			t.Errorf("it ended after %v: %+v, %v", time.Since(began), left, err)
		}
		if err := p.wait(); err != nil {
			t.Error(err)
		}
	})
}

// TestGrace is how long functions may take to return after their context has ended.
func TestGrace(t *testing.T) {
	tests := []struct {
		set, takes, want time.Duration
		hangs            bool
	}{
		{0, 5*time.Second - 1, 5*time.Second - 1, false},
		{0, 5*time.Second + 1, 5 * time.Second, true},
		{time.Minute, 59 * time.Second, 59 * time.Second, false},
		{time.Minute, 61 * time.Second, time.Minute, true},
	}
	for _, test := range tests {
		bubble(t, fmt.Sprintf("%v of %v", test.takes, test.set), func(t *testing.T) {
			p := start(t, stuck(test.takes, flow.Config{Grace: test.set}))
			began := time.Now()
			left, err := p.stop(time.Second)
			if took := time.Since(began); took != time.Second+test.want {
				t.Errorf("it ended after %v, want %v", took, time.Second+test.want)
			}
			stopped, hangs := errors.AsType[*flow.StoppedError](err)
			if hangs != test.hangs || hangs && (stopped.Left != left || left.InFlight != 1) {
				t.Errorf("left %+v, error %v", left, err)
			}
			_ = p.wait()
			time.Sleep(time.Hour)
			wantLedger(t, p.Pipeline, flow.Line{In: 1, Returned: 1, Unconfirmed: p.Ledger().Source.Unconfirmed}, flow.Line{})
		})
	}
}

// TestLogger gets the failures of a run, and no single message.
func TestLogger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		source := memory.NewSource(1, 2, 3)
		source.ScriptRead(memory.Fail(connector.Transient(errBad)))
		p := flow.New("logged", flow.From(source).Map(flaky(1, errBad)).To(memory.NewSink[int]())).With(flow.Config{Logger: zap.New(core)})
		mustRun(t, p)
		if got := logs.TakeAll(); len(got) != 1 || got[0].Message != "read failed, trying again" || got[0].ContextMap()["flow"] != "logged" {
			t.Errorf("logged %+v", got)
		}
		source.Send(4)
		source.ScriptRead(memory.Fail(errBad))
		if err := p.Run(t.Context()); err == nil {
			t.Error("no error")
		}
		if got := logs.TakeAll(); len(got) != 1 || got[0].Message != "pipeline failed" || got[0].Level != zap.ErrorLevel {
			t.Errorf("logged %+v", got)
		}
	})
}

// asked is a source without end that notes the most that a Read asks for.
type asked struct {
	left, most int
}

func (a *asked) Open(context.Context) (connector.Reader[int], error) { return a, nil }

func (a *asked) Read(_ context.Context, most int) ([]connector.Message[int], error) {
	a.most = max(a.most, most)
	if a.left <= 0 {
		return nil, io.EOF
	}
	a.left -= most

	return make([]connector.Message[int], most), nil
}

func (a *asked) Settle(context.Context, []connector.Settlement) error { return nil }

func (a *asked) Close() error { return nil }

// TestDefaultsOfReading: a Read is asked for 256 messages at most by default, and never
// for more than may be in flight.
func TestDefaultsOfReading(t *testing.T) {
	for _, test := range []struct {
		config flow.Config
		want   int
	}{
		{flow.Config{}, 256},
		{flow.Config{Chunk: 1000}, 1000},
		{flow.Config{Chunk: 5}, 5},
		{flow.Config{MaxInFlight: 100}, 100},
		{flow.Config{MaxInFlight: 3, Chunk: 9}, 3},
	} {
		both(t, fmt.Sprint(test.config.MaxInFlight, test.config.Chunk), func(t *testing.T, from func(connector.Source[int]) flow.Flow[int]) {
			source := &asked{left: 20_000}
			mustRun(t, flow.New("reads", from(source).ForEach(ignore)).With(test.config))
			if source.most != test.want {
				t.Errorf("a Read was asked for %d, want %d", source.most, test.want)
			}
		})
	}
}

// TestDefaultMaxInFlight: 1,024 messages are handed out to a pipeline that is stuck, and
// not one more.
func TestDefaultMaxInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, release := memory.NewSource(numbers(3000)...), make(chan struct{})
		p := start(t, flow.New("full", flow.From(source).Buffer(5000, flow.Block).ForEach(func(context.Context, int) error {
			<-release

			return nil
		})))
		if got := source.InFlight(); got != 1024 {
			t.Errorf("%d messages are in flight, want 1,024", got)
		}
		close(release)
		if err := p.wait(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestWithBeginsAnew: the same definition, with another Config and a ledger of its own.
func TestWithBeginsAnew(t *testing.T) {
	source := memory.NewSource(1, 2)
	p := flow.New("with", end(flow.From(source)))
	mustRun(t, p)
	other := p.With(flow.Config{Chunk: 1})
	source.Send(3)
	mustRun(t, other)
	wantLedger(t, p, flow.Line{In: 2, Delivered: 2}, flow.Line{})
	wantLedger(t, other, flow.Line{In: 1, Delivered: 1}, flow.Line{})
}

// TestNames: a stage without a name is named after its kind, and a name shows where the
// stage fails.
func TestNames(t *testing.T) {
	f := flow.From(memory.NewSource(1)).Map(same).Map(same).As("map-2").Map(same).DeadLetter(newDead()).Map(failAt(1)).As("price")
	p := flow.New("names", end(f))
	var names []string
	for _, s := range p.Graph().Stages {
		names = append(names, s.Name)
	}
	if want := []string{"from", "map", "map-2", "map-3", "dead-letter", "price", "to"}; !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
	mustRun(t, p)
	for _, s := range p.Stats() {
		if (s.Failed == 1) != (s.Stage == "price") {
			t.Errorf("stage %s has %d failures", s.Stage, s.Failed)
		}
	}
}

type checkedOrder struct {
	ID    string `validate:"required"`
	Price int    `validate:"gt=0"`
	Lines []tagged
}

// TestValidate goes by the tags, or by the checks alone, in their order up to the first
// that fails.
func TestValidate(t *testing.T) {
	good := checkedOrder{ID: "a", Price: 1, Lines: []tagged{{Name: "x"}}}
	var called []int
	check := func(n int, err error) func(checkedOrder) error {
		return func(checkedOrder) error { called = append(called, n); return err }
	}
	tests := []struct {
		name   string
		in     checkedOrder
		checks []func(checkedOrder) error
		want   string
		called []int
	}{
		{"tags", good, nil, "", nil},
		{"a tag", checkedOrder{Price: 1}, nil, "'ID' failed on the 'required' tag", nil},
		{"another tag", checkedOrder{ID: "a"}, nil, "'Price' failed on the 'gt' tag", nil},
		{"checks in place of tags", checkedOrder{}, []func(checkedOrder) error{check(1, nil), check(2, nil)}, "", []int{1, 2}},
		{"the first that fails", good, []func(checkedOrder) error{check(1, nil), check(2, errBad), check(3, nil)}, "validate: bad value", []int{1, 2}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			called = nil
			rejected := memory.NewSink[connector.DeadLetter[checkedOrder]]()
			p := flow.New("valid", flow.From(memory.NewSource(test.in)).DeadLetter(rejected).Validate(test.checks...).To(memory.NewSink[checkedOrder]()))
			mustRun(t, p)
			if got := p.Ledger().Source.Delivered == 1; got != (test.want == "") || !slices.Equal(called, test.called) {
				t.Errorf("delivered %v after the checks %v", got, called)
			}
			for _, letter := range rejected.Values() {
				if letter.Stage != "validate" || letter.Class != "permanent" || !strings.Contains(letter.Cause, test.want) {
					t.Errorf("letter %+v", letter)
				}
			}
		})
	}
	t.Run("pointers", func(t *testing.T) {
		rejected := memory.NewSink[connector.DeadLetter[*tagged]]()
		p := flow.New("valid", flow.From(memory.NewSource(&tagged{Name: "x"}, &tagged{}, nil)).DeadLetter(rejected).
			Validate().To(memory.NewSink[*tagged]()))
		mustRun(t, p)
		wantLedger(t, p, flow.Line{In: 3, Delivered: 1, DeadLettered: 2}, flow.Line{})
	})
}

// TestBatchAsLargeAsMaxInFlight: the bound itself is allowed, one more is not.
func TestBatchAsLargeAsMaxInFlight(t *testing.T) {
	of := func(count int) error {
		return flow.New("batch", flow.From(memory.NewSource(1)).Batch(count, time.Second).To(memory.NewSink[int]())).
			With(flow.Config{MaxInFlight: 10}).Check()
	}
	if err := of(10); err != nil {
		t.Error(err)
	}
	if of(11) == nil {
		t.Error("a batch of 11 passes with 10 in flight")
	}
}

func TestPipelineWithoutAnEnd(t *testing.T) {
	p, at := flow.New("empty"), here(0)
	want := mistake{stage: "pipeline", at: at, text: "it has no end: close a flow with To, ForEach or Route"}
	if got := definitionProblems(t, p); len(got) != 1 || !want.matches(got[0]) {
		t.Errorf("problems %+v", got)
	}
	if err := p.Run(t.Context()); err == nil {
		t.Error("it ran")
	}
	if _, err := p.Stop(t.Context()); err != nil || p.Health().State != flow.Stopped || len(p.Stats()) > 0 {
		t.Errorf("stop %v, health %+v, stats %v", err, p.Health(), p.Stats())
	}
}

func TestAsOfAZeroEnd(t *testing.T) {
	if got := definitionProblems(t, flow.New("zero", flow.End{}.As("name"))); len(got) != 1 || got[0].Text != "end 1 is a zero End" {
		t.Errorf("problems %+v", got)
	}
}

// TestBlueprintsAreImmutable: a name or a stage more leaves the flow before as it was.
func TestBlueprintsAreImmutable(t *testing.T) {
	f := flow.From(memory.NewSource(1)).Map(same)
	_ = f.As("")
	_ = f.As("other").Filter(nil)
	p := flow.New("plain", end(f))
	if err := p.Check(); err != nil {
		t.Error(err)
	}
	if got := p.Graph().Stages[1].Name; got != "map" {
		t.Errorf("the stage is named %q", got)
	}
}
