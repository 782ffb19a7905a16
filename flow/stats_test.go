package flow_test

import (
	"context"
	"encoding/json"
	jsonv2 "encoding/json/v2"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

// statsOf returns what the stage has counted.
func statsOf(t *testing.T, p *flow.Pipeline, name string) flow.StageStats {
	t.Helper()
	all := p.Stats()
	at := slices.IndexFunc(all, func(s flow.StageStats) bool { return s.Stage == name })
	if at < 0 {
		t.Fatalf("no stage %q", name)
	}

	return all[at]
}

// onlyEven refuses odd numbers for good.
func onlyEven(n int) error {
	if n%2 != 0 {
		return connector.Permanent(errBad)
	}

	return nil
}

func TestStatsCountCalls(t *testing.T) {
	bubble(t, "messages and batches", func(t *testing.T) {
		p := flow.New("orders", flow.From(memory.NewSource(numbers(10)...)).
			DeadLetter(memory.NewSink[connector.DeadLetter[int]]()).
			Validate(onlyEven).
			Filter(func(n int) bool { return n > 4 }).
			Batch(2, 0).To(table[int]("orders")))
		mustRun(t, p)
		for _, want := range []flow.StageStats{
			{Stage: "from", Kind: "from", Endpoint: "memory", In: 10},
			{
				Stage: "dead-letter", Kind: "dead-letter", Endpoint: "memory", In: 10,
				Outcomes: outcomes(connector.DeadLettered, 5),
			},
			{Stage: "validate", Kind: "validate", In: 10, Failed: 5},
			{Stage: "filter", Kind: "filter", In: 5, Outcomes: outcomes(connector.Filtered, 2)},
			// Three messages in two writes.
			{Stage: "to", Kind: "to", Endpoint: "table orders", In: 2, Outcomes: outcomes(connector.Delivered, 3)},
		} {
			got := statsOf(t, p, want.Stage)
			got.Durations, got.Effects = flow.Durations{}, nil
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		}
	})
}

func outcomes(outcome connector.Outcome, n uint64) (all [connector.Returned + 1]uint64) {
	all[outcome] = n

	return all
}

func TestStatsStandInTheOrderOfTheGraph(t *testing.T) {
	p := shop(t)
	var got []string
	for _, s := range p.Stats() {
		got = append(got, s.Stage)
		if s.In+s.Failed+s.Retried+s.Durations.Count != 0 {
			t.Errorf("stage %s has counted before the first run: %+v", s.Stage, s)
		}
	}
	if want := stageNames(p.Graph()); !slices.Equal(got, want) {
		t.Errorf("stats of %v, want %v", got, want)
	}
}

// TestStatsAgreeWithTheLedger: without broadcast, the outcomes that the stages decided
// are those of the ledger.
func TestStatsAgreeWithTheLedger(t *testing.T) {
	bubble(t, "one branch", func(t *testing.T) {
		p := flow.New("orders", flow.From(memory.NewSource(append(numbers(20), numbers(5)...)...)).
			DeadLetter(memory.NewSink[connector.DeadLetter[int]]()).
			Once(memory.NewStore(), func(n int) string { return string(rune('a' + n)) }, 0).
			Filter(func(n int) bool { return n != 7 }).
			Map(failAt(3)).
			To(memory.NewSink[int]()))
		mustRun(t, p)
		var sum [connector.Returned + 1]uint64
		for _, s := range p.Stats() {
			for o, n := range s.Outcomes {
				sum[o] += n
			}
		}
		line := p.Ledger().Source
		for o, want := range map[connector.Outcome]int64{
			connector.Delivered: line.Delivered, connector.Filtered: line.Filtered,
			connector.Duplicate: line.Duplicate, connector.DeadLettered: line.DeadLettered,
		} {
			if got := int64(sum[o]); got != want || want == 0 {
				t.Errorf("the stages have %d %v, the ledger has %v", got, o, line)
			}
		}
	})
}

func TestStatsCountRetries(t *testing.T) {
	down := connector.Transient(errors.New("connection refused"))
	policy := retry.Policy{Attempts: 4}
	bubble(t, "of a Retry stage", func(t *testing.T) {
		p := flow.New("orders", flow.From(memory.NewSource(1, 2)).Retry(policy).Map(flaky(2, down)).To(memory.NewSink[int]()))
		mustRun(t, p)
		if s := statsOf(t, p, "retry"); s.In != 2 || s.Retried != 2 {
			t.Errorf("retry: %+v", s)
		}
		if s := statsOf(t, p, "map"); s.In != 4 || s.Failed != 2 || s.Retried != 0 {
			t.Errorf("map: %+v", s)
		}
	})
	bubble(t, "of a step", func(t *testing.T) {
		step := flow.Func("crm", flaky(2, down)).Retry(policy)
		p := flow.New("orders", flow.From(memory.NewSource(1, 2)).Do(step).To(memory.NewSink[int]()))
		mustRun(t, p)
		if s := statsOf(t, p, "do"); s.In != 2 || s.Retried != 2 || s.Failed != 0 || s.Endpoint != "crm" {
			t.Errorf("do: %+v", s)
		}
	})
	bubble(t, "of a delivery", func(t *testing.T) {
		sink := memory.NewSink[int]()
		sink.Script(memory.Fail(down).Times(2))
		p := flow.New("orders", flow.From(memory.NewSource(1, 2)).Batch(2, 0).To(flow.Into(sink).Retry(policy)))
		mustRun(t, p)
		if s := statsOf(t, p, "to"); s.In != 1 || s.Retried != 2 || s.Failed != 0 {
			t.Errorf("to: %+v", s)
		}
	})
}

func TestStatsOfABuffer(t *testing.T) {
	bubble(t, "drop", func(t *testing.T) {
		release := make(chan struct{})
		sink := memory.NewSink[int]()
		sink.Script(memory.Block(release))
		p := flow.New("orders", flow.From(memory.NewSource(numbers(10)...)).Buffer(3, flow.DropNewest).To(sink))
		r := start(t, p)
		close(release)
		if err := r.wait(); err != nil {
			t.Fatal(err)
		}
		dropped := p.Ledger().Source.Dropped
		if got := statsOf(t, p, "buffer").Outcomes[connector.Dropped]; got == 0 || int64(got) != dropped {
			t.Errorf("the buffer has dropped %d, the ledger has %d", got, dropped)
		}
	})
}

// took makes a stage function that takes the times one after the other, and no time
// from then on.
func took(times ...time.Duration) func(context.Context, int) (int, error) {
	return func(_ context.Context, n int) (int, error) {
		if len(times) > 0 {
			time.Sleep(times[0])
			times = times[1:]
		}

		return n, nil
	}
}

func timing(t *testing.T, n int, times ...time.Duration) flow.Durations {
	t.Helper()
	p := flow.New("orders", flow.From(memory.NewSource(numbers(n)...)).Map(took(times...)).To(memory.NewSink[int]()))
	mustRun(t, p)

	return statsOf(t, p, "map").Durations
}

func TestDurationsBuckets(t *testing.T) {
	for _, test := range []struct {
		took   time.Duration
		bucket int
	}{
		{0, 0},
		{time.Microsecond, 0},
		{time.Microsecond + 1, 1},
		{2 * time.Microsecond, 1},
		{2*time.Microsecond + 1, 2},
		{time.Millisecond, 10},
		{1024 * time.Microsecond, 10},
		{1024*time.Microsecond + 1, 11},
		{time.Second, 20},
		{1 << 25 * time.Microsecond, 25},
		{1<<25*time.Microsecond + 1, 26},
		{1 << 26 * time.Microsecond, 26},
		{time.Hour, 26},
	} {
		bubble(t, test.took.String(), func(t *testing.T) {
			d := timing(t, 1, test.took)
			if d.Count != 1 || d.Sum != test.took || d.Buckets[test.bucket] != 1 {
				t.Errorf("got %+v, want bucket %d", d, test.bucket)
			}
			last := len(d.Buckets) - 1
			if test.bucket < last && test.took > d.UpperBound(test.bucket) {
				t.Errorf("bucket %d ends at %v", test.bucket, d.UpperBound(test.bucket))
			}
			if test.bucket > 0 && test.took <= d.UpperBound(test.bucket-1) {
				t.Errorf("bucket %d begins above %v", test.bucket, d.UpperBound(test.bucket-1))
			}
		})
	}
}

// TestDurationsAreSampled: the first call is timed, then one in 128 while calls are
// quick, and every call while they are slow.
func TestDurationsAreSampled(t *testing.T) {
	slow := slices.Repeat([]time.Duration{time.Millisecond}, 300)
	for _, test := range []struct {
		name  string
		n     int
		times []time.Duration
		count uint64
		sum   time.Duration
	}{
		{"nothing", 0, nil, 0, 0},
		{"one quick call", 1, nil, 1, 0},
		{"128 quick calls", 128, nil, 1, 0},
		{"129 quick calls", 129, nil, 2, 0},
		{"slow calls", 300, slow, 300, 300 * time.Millisecond},
		{"just not slow", 128, slices.Repeat([]time.Duration{20 * time.Microsecond}, 128), 1, 20 * time.Microsecond},
		// Each slow call has the next one timed as well, the quick one after it ends that.
		{"two slow calls at first", 128, slow[:2], 3, 2 * time.Millisecond},
	} {
		bubble(t, test.name, func(t *testing.T) {
			if d := timing(t, test.n, test.times...); d.Count != test.count || d.Sum != test.sum {
				t.Errorf("%d calls timed of %v, want %d of %v", d.Count, d.Sum, test.count, test.sum)
			}
		})
	}
}

func TestFailedCallsAreTimed(t *testing.T) {
	bubble(t, "failed", func(t *testing.T) {
		p := flow.New("orders", flow.From(memory.NewSource(1)).DeadLetter(newDead()).
			Map(func(context.Context, int) (int, error) {
				time.Sleep(time.Second)

				return 0, errBad
			}).To(memory.NewSink[int]()))
		mustRun(t, p)
		if s := statsOf(t, p, "map"); s.Failed != 1 || s.Durations.Sum != time.Second {
			t.Errorf("got %+v", s)
		}
	})
}

// TestStatsGoOn: like the ledger they belong to the pipeline, not to the run.
func TestStatsGoOn(t *testing.T) {
	bubble(t, "runs", func(t *testing.T) {
		source := memory.NewSource(1, 2)
		p := flow.New("orders", flow.From(source).To(memory.NewSink[int]()))
		mustRun(t, p)
		source.Send(3)
		mustRun(t, p)
		if s := statsOf(t, p, "to"); s.In != 3 || s.Outcomes[connector.Delivered] != 3 {
			t.Errorf("after two runs: %+v", s)
		}
		if s := statsOf(t, p.With(flow.Config{}), "to"); s.In != 0 {
			t.Errorf("With keeps counts: %+v", s)
		}
	})
}

// TestStatsOfParallelStages adds up what the workers have counted.
func TestStatsOfParallelStages(t *testing.T) {
	bubble(t, "workers", func(t *testing.T) {
		p := flow.New("orders", flow.From(memory.NewSource(numbers(100)...)).
			Parallel(4, func(f flow.Flow[int]) flow.Flow[int] {
				return f.Map(took()).Filter(func(n int) bool { return n%4 != 0 })
			}).To(memory.NewSink[int]()))
		mustRun(t, p)
		for name, want := range map[string]uint64{"parallel": 100, "map": 100, "filter": 100, "to": 75} {
			if got := statsOf(t, p, name).In; got != want {
				t.Errorf("stage %s has %d in, want %d", name, got, want)
			}
		}
		if got := statsOf(t, p, "filter").Outcomes[connector.Filtered]; got != 25 {
			t.Errorf("%d filtered, want 25", got)
		}
	})
}

// TestStatsWhileRunning: whoever waits for the pipeline to be idle sees every message.
func TestStatsWhileRunning(t *testing.T) {
	bubble(t, "idle", func(t *testing.T) {
		feed := memory.NewFeed(1, 2, 3)
		p := flow.New("orders", flow.From(feed).To(memory.NewSink[int]()))
		r := start(t, p)
		if got := statsOf(t, p, "to").In; got != 3 {
			t.Errorf("%d in while the pipeline waits for more, want 3", got)
		}
		feed.Finish()
		if err := r.wait(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestStatsEncode(t *testing.T) {
	stats := flow.StageStats{
		Stage: "orders", Kind: "to", Endpoint: "table orders", In: 3, Failed: 1, Retried: 2,
		Durations: flow.Durations{Count: 1, Sum: time.Second},
	}
	want := `{"stage":"orders","kind":"to","endpoint":"table orders","in":3,"failed":1,"retried":2,` +
		`"durations":{"count":1,"sum_nanoseconds":1000000000}}`
	first, err := json.Marshal(stats)
	if err != nil {
		t.Fatal(err)
	}
	second, err := jsonv2.Marshal(stats)
	if err != nil {
		t.Fatal(err)
	}
	if string(first) != want || string(second) != want {
		t.Errorf("got %s and %s, want %s", first, second, want)
	}
}

// TestEndpointsAreTimed: a slow source, sink and dead-letter sink are seen to be slow.
func TestEndpointsAreTimed(t *testing.T) {
	both(t, "reads", func(t *testing.T, from func(connector.Source[int]) flow.Flow[int]) {
		source, rejected := memory.NewSource(1, 2), newDead()
		source.ScriptRead(memory.Pass().Delay(time.Second))
		rejected.Script(memory.Pass().Delay(time.Minute).Times(2))
		p := flow.New("slow", from(source).DeadLetter(rejected).Map(flaky(2, connector.Permanent(errBad))).
			To(memory.NewSink[int]()))
		mustRun(t, p)
		if d := statsOf(t, p, "from").Durations; d.Count < 1 || d.Sum != time.Second {
			t.Errorf("reads took %+v", d)
		}
		if d := statsOf(t, p, "dead-letter").Durations; d.Count != 2 || d.Sum != 2*time.Minute {
			t.Errorf("letters took %+v", d)
		}
	})
}

// TestJoinCounts: what comes out of a parallel stage is counted as what goes in.
func TestJoinCounts(t *testing.T) {
	bubble(t, "join", func(t *testing.T) {
		p := flow.New("join", flow.From(memory.NewSource(numbers(100)...)).
			Parallel(3, func(f flow.Flow[int]) flow.Flow[int] { return f.Filter(even) }).To(memory.NewSink[int]()))
		mustRun(t, p)
		if in, out := statsOf(t, p, "body").In, statsOf(t, p, "join").In; in != 100 || out != 50 {
			t.Errorf("%d in, %d out, want 100 and 50", in, out)
		}
	})
}
