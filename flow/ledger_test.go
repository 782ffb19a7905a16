package flow_test

import (
	"encoding/json/v2"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

func TestLine(t *testing.T) {
	for _, test := range []struct {
		line     flow.Line
		done     int64
		balanced bool
		text     string
	}{
		{flow.Line{}, 0, true, "0 in = 0"},
		{flow.Line{In: 3, Delivered: 3}, 3, true, "3 in = 3 delivered"},
		{flow.Line{In: 3, Delivered: 2}, 2, false, "3 in != 2 delivered"},
		{flow.Line{In: 1}, 0, false, "1 in != 0"},
		{flow.Line{In: 2, Delivered: 3}, 3, false, "2 in != 3 delivered"},
		{flow.Line{In: 2, InFlight: 2}, 0, true, "2 in = 2 in flight"},
		// What is not confirmed is among the outcomes already.
		{flow.Line{In: 1, Delivered: 1, Unconfirmed: 1}, 1, true, "1 in = 1 delivered"},
		{
			flow.Line{
				In: 28, Delivered: 1, Filtered: 2, Duplicate: 3, Dropped: 4, DeadLettered: 5, Returned: 6, InFlight: 7,
			},
			21, true,
			"28 in = 1 delivered + 2 filtered + 3 duplicate + 4 dropped + 5 dead-lettered + 6 returned + 7 in flight",
		},
	} {
		if got := test.line.Done(); got != test.done {
			t.Errorf("%+v: %d done, want %d", test.line, got, test.done)
		}
		if got := test.line.Balanced(); got != test.balanced {
			t.Errorf("%+v: balanced is %t", test.line, got)
		}
		if got := test.line.String(); got != test.text {
			t.Errorf("%+v: got %q, want %q", test.line, got, test.text)
		}
	}
}

func TestLedgerBalancesInBothLines(t *testing.T) {
	good, bad := flow.Line{In: 1, Filtered: 1}, flow.Line{In: 1}
	for _, test := range []struct {
		source, derived flow.Line
		want            bool
		text            string
	}{
		{good, good, true, "orders: source 1 in = 1 filtered; derived 1 in = 1 filtered"},
		{good, flow.Line{}, true, "orders: source 1 in = 1 filtered"},
		{bad, good, false, "orders: source 1 in != 0; derived 1 in = 1 filtered"},
		{good, bad, false, "orders: source 1 in = 1 filtered; derived 1 in != 0"},
	} {
		l := flow.Ledger{Flow: "orders", Source: test.source, Derived: test.derived}
		if l.Balanced() != test.want || l.String() != test.text {
			t.Errorf("%v: balanced is %t, want %t and %q", l, l.Balanced(), test.want, test.text)
		}
	}
}

func TestLedgerEncodes(t *testing.T) {
	want := flow.Ledger{
		Flow:    "orders",
		Source:  flow.Line{In: 3, Delivered: 2, DeadLettered: 1, Unconfirmed: 1},
		Derived: flow.Line{In: 1, InFlight: 1},
	}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	const outcomes = `"filtered":0,"duplicate":0,"dropped":0,`
	if got, want := string(text), `{"flow":"orders",`+
		`"source":{"in":3,"delivered":2,`+outcomes+`"dead_lettered":1,"returned":0,"in_flight":0,"unconfirmed":1},`+
		`"derived":{"in":1,"delivered":0,`+outcomes+`"dead_lettered":0,"returned":0,"in_flight":1}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var back flow.Ledger
	if err := json.Unmarshal(text, &back); err != nil || back != want {
		t.Errorf("read back as %+v, %v", back, err)
	}
}

func TestLedgerAddsUpRuns(t *testing.T) {
	bubble(t, "runs", func(t *testing.T) {
		source := memory.NewSource(1, 2)
		p := flow.New("orders", flow.From(source).Filter(func(n int) bool { return n != 2 }).To(memory.NewSink[int]()))
		wantLedger(t, p, flow.Line{}, flow.Line{})
		mustRun(t, p)
		source.Send(2, 3)
		mustRun(t, p)
		wantLedger(t, p, flow.Line{In: 4, Delivered: 2, Filtered: 2}, flow.Line{})
		wantLedger(t, p.With(flow.Config{}), flow.Line{}, flow.Line{})
		if got := p.Ledger().Flow; got != "orders" {
			t.Errorf("the ledger is that of %q", got)
		}
	})
}

// TestLedgerInFlight: what a stage keeps is in flight, and the ledger balances with it.
func TestLedgerInFlight(t *testing.T) {
	bubble(t, "batch", func(t *testing.T) {
		feed := memory.NewFeed(1, 2, 3)
		p := flow.New("orders", flow.From(feed).Batch(2, time.Minute).Slices().To(memory.NewSink[[]int]()))
		r := start(t, p)
		wantLedger(t, p, flow.Line{In: 3, Delivered: 2, InFlight: 1}, flow.Line{In: 1, Delivered: 1})
		time.Sleep(time.Minute)
		synctest.Wait()
		if got, want := p.Ledger().String(), "orders: source 3 in = 3 delivered; derived 2 in = 2 delivered"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		feed.Finish()
		if err := r.wait(); err != nil {
			t.Fatal(err)
		}
	})
	bubble(t, "a blocked sink", func(t *testing.T) {
		release := make(chan struct{})
		sink := memory.NewSink[int]()
		sink.Script(memory.Block(release))
		p := flow.New("orders", flow.From(memory.NewSource(1, 2)).To(sink))
		r := start(t, p)
		if l := p.Ledger().Source; l.In != 2 || l.InFlight != 2 || !l.Balanced() {
			t.Errorf("while the sink blocks: %v", l)
		}
		close(release)
		if err := r.wait(); err != nil {
			t.Fatal(err)
		}
		wantLedger(t, p, flow.Line{In: 2, Delivered: 2}, flow.Line{})
	})
}

// TestLedgerCountsEachDelivery: a message that is handed out again came in again.
func TestLedgerCountsEachDelivery(t *testing.T) {
	bubble(t, "returned", func(t *testing.T) {
		source := memory.NewSource(1, 2)
		source.HoldEOF()
		p := flow.New("orders", flow.From(source).Map(flaky(3, errors.New("connection refused"))).To(memory.NewSink[int]()))
		mustRun(t, p)
		wantLedger(t, p, flow.Line{In: 5, Delivered: 2, Returned: 3}, flow.Line{})
		if got := source.Count(connector.Returned); got != 3 {
			t.Errorf("the source took %d back, the ledger has 3", got)
		}
	})
}

// TestLedgerAndSourceAgree: the source was told what the ledger counts.
func TestLedgerAndSourceAgree(t *testing.T) {
	bubble(t, "settlements", func(t *testing.T) {
		source := memory.NewSource(append(numbers(20), numbers(5)...)...)
		p := flow.New("orders", flow.From(source).
			DeadLetter(newDead()).
			Once(memory.NewStore(), func(n int) string { return fmt.Sprint(n) }, 0).
			Filter(func(n int) bool { return n%5 != 0 }).
			Map(failAt(3)).
			Batch(4, time.Second).To(memory.NewSink[int]()))
		mustRun(t, p)
		l := p.Ledger().Source
		for outcome, want := range map[connector.Outcome]int64{
			connector.Delivered: l.Delivered, connector.Filtered: l.Filtered, connector.Duplicate: l.Duplicate,
			connector.DeadLettered: l.DeadLettered,
		} {
			if got := source.Count(outcome); want == 0 || int64(got) != want {
				t.Errorf("the source has %d %v, the ledger %v", got, outcome, l)
			}
		}
		if l.In != 25 || !l.Balanced() {
			t.Errorf("ledger %v", l)
		}
	})
}

// TestLedgerIsReadWhileRunning is for the race detector.
func TestLedgerIsReadWhileRunning(t *testing.T) {
	p := flow.New("orders", flow.From(memory.NewSource(numbers(5000)...)).
		Parallel(2, func(f flow.Flow[int]) flow.Flow[int] { return f.Filter(func(n int) bool { return n%3 != 0 }) }).
		Batch(10, time.Second).To(memory.NewSink[int]()))
	done := make(chan error, 1)
	go func() { done <- p.Run(t.Context()) }()
	var last flow.Line
	for {
		select {
		case err := <-done:
			if l := p.Ledger(); err != nil || !l.Balanced() || l.Source.In != 5000 {
				t.Errorf("ledger %v, %v", l, err)
			}

			return
		default:
			l := p.Ledger().Source
			if l.In < last.In || l.Done() < last.Done() {
				t.Fatalf("the ledger went from %v to %v", last, l)
			}
			last = l
			p.Stats()
		}
	}
}
