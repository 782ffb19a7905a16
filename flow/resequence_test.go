package flow_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/flow"
)

// event is a message with a number: "a3" is number 3 of key a.
type event string

func (e event) key() string { return string(e[:1]) }

func (e event) number() int64 {
	var n int64
	_, _ = fmt.Sscan(string(e[1:]), &n)

	return n
}

func events(text string) []event {
	var all []event
	for _, e := range strings.Fields(text) {
		all = append(all, event(e))
	}

	return all
}

func eventText(all []event) string {
	var text []string
	for _, e := range all {
		text = append(text, string(e))
	}

	return strings.Join(text, " ")
}

func inSequence(f flow.Flow[event], s flow.Sequence) flow.Flow[event] {
	return f.KeyBy(event.key).Resequence(event.number, s)
}

func deadEvents() *memory.Sink[connector.DeadLetter[event]] {
	return memory.NewSink[connector.DeadLetter[event]]()
}

// TestResequence sends a message a second.
func TestResequence(t *testing.T) {
	wait := 2400 * time.Millisecond
	tests := []struct {
		name     string
		sequence flow.Sequence
		in, want string
		// dead is what was dead-lettered, and duplicates how many messages were.
		dead       string
		duplicates int64
	}{
		{name: "in order", sequence: flow.Sequence{First: 1}, in: "a1 a2 a3", want: "a1 a2 a3"},
		{name: "reversed", sequence: flow.Sequence{First: 1}, in: "a3 a2 a1 a4", want: "a1 a2 a3 a4"},
		{name: "from zero", in: "a1 a0", want: "a0 a1"},
		{name: "from below zero", sequence: flow.Sequence{First: -2}, in: "a0 a-1 a-2", want: "a-2 a-1 a0"},
		{name: "keys do not wait for one another", in: "a1 b0 c1 b1 a0 c0", want: "b0 b1 a0 a1 c0 c1"},
		{name: "a number that does not come", in: "a0 a2 a3 a5", want: "a0", dead: "a2 a3 a5"},
		{name: "skipped at the end", sequence: flow.Sequence{Wait: time.Hour}, in: "a0 a2 b3 a5", want: "a0 a2 b3 a5"},
		{name: "skipped after the wait", sequence: flow.Sequence{Wait: wait}, in: "a0 a2 b0 b1 b2 b3", want: "a0 b0 b1 a2 b2 b3"},
		{name: "each gap has its wait", sequence: flow.Sequence{Wait: wait}, in: "a1 a3 b0 b1 b2 b3 b4", want: "b0 a1 b1 b2 a3 b3 b4"},
		{name: "in time", sequence: flow.Sequence{Wait: wait}, in: "a1 a2 a0 a3", want: "a0 a1 a2 a3"},
		{name: "late", sequence: flow.Sequence{Wait: wait}, in: "a1 b0 b1 a0 a2", want: "b0 b1 a1 a2", dead: "a0"},
		{name: "before the first", sequence: flow.Sequence{First: 5}, in: "a5 a4", want: "a5", dead: "a4"},
		{name: "duplicates", in: "a0 a0 a2 a2 a2 a1 a2 a1", want: "a0 a1 a2", duplicates: 5},
		{name: "one more than Held", sequence: flow.Sequence{Held: 2}, in: "a1 a2 a3 a0", want: "a0 a1 a2", dead: "a3"},
		{name: "one more than Held that skips", sequence: flow.Sequence{Held: 2, Wait: time.Hour}, in: "a1 b2 a3 b0", want: "a1 b0 a3 b2"},
		{name: "the largest number", in: fmt.Sprintf("a0 a%d", math.MaxInt64), want: "a0", dead: fmt.Sprintf("a%d", math.MaxInt64)},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			source, sink, rejected := memory.NewFeed[event](), memory.NewSink[event](), deadEvents()
			a := audit(t, source)
			p := start(t, flow.New("events", inSequence(flow.From(a).DeadLetter(rejected), test.sequence).To(sink)))
			in := events(test.in)
			for _, e := range in {
				source.Send(e)
				time.Sleep(time.Second)
			}
			source.Finish()
			if err := p.wait(); err != nil {
				t.Fatal(err)
			}
			a.ended()
			var dead []event
			for _, l := range rejected.Values() {
				dead = append(dead, l.Value)
			}
			if got := eventText(sink.Values()); got != test.want {
				t.Errorf("delivered %q, want %q", got, test.want)
			}
			if got := eventText(dead); got != test.dead {
				t.Errorf("dead-lettered %q, want %q", got, test.dead)
			}
			wantLedger(t, p.Pipeline, flow.Line{
				In: int64(len(in)), Delivered: int64(len(sink.Values())), DeadLettered: int64(len(dead)), Duplicate: test.duplicates,
			}, flow.Line{})
		})
	}
}

// TestResequenceErrors: they are typed and name the numbers.
func TestResequenceErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rejected := deadEvents()
		source := flow.From(memory.NewSource(events("a7 a3 a9")...)).DeadLetter(rejected)
		mustRun(t, flow.New("events", inSequence(source, flow.Sequence{First: 7}).As("order").To(memory.NewSink[event]())))
		letters := rejected.Values()
		if len(letters) != 2 {
			t.Fatalf("letters %+v", letters)
		}
		late, ok := errors.AsType[*flow.LateError](letters[0].Err)
		if !ok || *late != (flow.LateError{Key: "a", Number: 3, Next: 8}) || letters[0].Class != "permanent" || letters[0].Stage != "order" {
			t.Errorf("letter %+v", letters[0])
		}
		gap, ok := errors.AsType[*flow.GapError](letters[1].Err)
		if !ok || *gap != (flow.GapError{Key: "a", Number: 9, Missing: 8}) || letters[1].Class != "transient" {
			t.Errorf("letter %+v", letters[1])
		}
	})
}

// TestResequenceWaitsForWhatComesBack: a message that failed below keeps its place.
func TestResequenceWaitsForWhatComesBack(t *testing.T) {
	for name, wait := range map[string]time.Duration{"for ever": 0, "for a while": time.Minute} {
		bubble(t, name, func(t *testing.T) {
			source, sink := memory.NewFeed(events("a0 a1 a2")...), memory.NewSink[event]()
			failures := 3
			p := start(t, flow.New("events", inSequence(flow.From(audit(t, source)), flow.Sequence{Wait: wait}).
				Map(func(_ context.Context, e event) (event, error) {
					if e == "a1" && failures > 0 {
						failures--

						return e, errBad
					}

					return e, nil
				}).To(sink)))
			time.Sleep(time.Hour)
			if got := eventText(sink.Values()); got != "a0 a1 a2" {
				t.Errorf("delivered %q", got)
			}
			source.Finish()
			if err := p.wait(); err != nil {
				t.Error(err)
			}
			wantLedger(t, p.Pipeline, flow.Line{In: 6, Delivered: 3, Returned: 3}, flow.Line{})
		})
	}
}

// TestResequenceTakesBackWhatWasOvertaken: others went on before the failure was known, so
// the message comes out of order, but it comes.
func TestResequenceTakesBackWhatWasOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink, failures := memory.NewFeed(events("a0 a1 a2")...), memory.NewSink[event](), 1
		p := start(t, flow.New("events", inSequence(flow.From(audit(t, source)), flow.Sequence{}).Buffer(10, flow.Block).
			Map(func(_ context.Context, e event) (event, error) {
				if time.Sleep(time.Second); e == "a0" && failures > 0 {
					failures--

					return e, errBad
				}

				return e, nil
			}).To(sink)))
		time.Sleep(time.Hour)
		source.Send("a3")
		source.Finish()
		if err := p.wait(); err != nil {
			t.Error(err)
		}
		if got := eventText(sink.Values()); got != "a1 a2 a0 a3" {
			t.Errorf("delivered %q", got)
		}
	})
}

// TestResequenceGoesOnAfterADeadLetter above it: the message is done with.
func TestResequenceGoesOnAfterADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink, rejected := memory.NewSink[event](), deadEvents()
		p := flow.New("events", inSequence(flow.From(memory.NewSource(events("a2 a1 a0")...)).DeadLetter(rejected), flow.Sequence{}).
			Validate(func(e event) error {
				if e == "a1" {
					return errBad
				}

				return nil
			}).To(sink))
		mustRun(t, p)
		if got := eventText(sink.Values()); got != "a0 a2" || len(rejected.Values()) != 1 {
			t.Errorf("delivered %q, dead-lettered %v", got, rejected.Values())
		}
	})
}

// TestResequenceRepeats: a message that repeats one in flight shares its failure, and is a
// duplicate of its success, whether the first is held or has gone on.
func TestResequenceRepeats(t *testing.T) {
	for _, in := range []string{"a0 a0", "a1 a1 a0"} {
		for _, fail := range []bool{false, true} {
			bubble(t, fmt.Sprintf("%s, fail %v", in, fail), func(t *testing.T) {
				source, sink := memory.NewFeed(events(in)...), memory.NewSink[event]()
				repeated, failed := events(in)[0], fail
				p := start(t, flow.New("events", inSequence(flow.From(audit(t, source)), flow.Sequence{}).
					Batch(10, time.Second).MapEach(func(_ context.Context, all []event) ([]event, error) {
					if fail {
						fail = false

						return nil, errBad
					}

					return all, nil
				}).To(sink)))
				time.Sleep(time.Hour)
				source.Finish()
				if err := p.wait(); err != nil {
					t.Error(err)
				}
				l := p.Ledger().Source
				if l.Duplicate != 1 || failed != (l.Returned > 0) || !p.Ledger().Balanced() || l.InFlight != 0 {
					t.Errorf("ledger %v", l)
				}
				if got := sink.Values(); len(got) == 0 || slices.Index(got, repeated) != len(got)-1 {
					t.Errorf("delivered %q", got)
				}
			})
		}
	}
}

// TestResequenceBehindAQueue inside the process: a failure on the far side is known to the
// near side and to the Resequence.
func TestResequenceBehindAQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, err := queueconn.NewMemory[event](queueconn.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		source, sink := memory.NewFeed(events("a0 a1 a1 a2")...), memory.NewSink[event]()
		fail := flaky(1, errBad)
		p := start(t, flow.New("events", inSequence(flow.From(source).Via(q), flow.Sequence{}).
			Map(func(ctx context.Context, e event) (event, error) {
				if e == "a1" {
					_, err := fail(ctx, 0)

					return e, err
				}

				return e, nil
			}).To(sink)))
		time.Sleep(time.Hour)
		source.Finish()
		if err := p.wait(); err != nil {
			t.Error(err)
		}
		if got := eventText(sink.Values()); got != "a0 a1 a2" || source.InFlight() != 0 {
			t.Errorf("delivered %q, ledger %v", got, p.Ledger())
		}
	})
}

func TestResequenceReturnsAtStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := memory.NewFeed(events("a0 a2 b1 b1")...), memory.NewSink[event]()
		p := start(t, flow.New("events", inSequence(flow.From(audit(t, source)), flow.Sequence{Wait: time.Hour}).To(sink)))
		left, err := p.stop(time.Second)
		if err != nil || left.Returned != 3 || left.InFlight != 0 {
			t.Errorf("left %+v, error %v", left, err)
		}
		if err := p.wait(); err != nil {
			t.Error(err)
		}
		wantLedger(t, p.Pipeline, flow.Line{In: 4, Delivered: 1, Returned: 3}, flow.Line{})
	})
}

// TestResequenceStall: the pipeline is full of messages that wait for one that cannot be
// read. The one held longest fails instead of standing still for ever.
func TestResequenceStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink, rejected := memory.NewSink[event](), deadEvents()
		source := flow.From(memory.NewSource(events("a1 a2 a3 a4 a0")...)).DeadLetter(rejected)
		p := flow.New("events", inSequence(source, flow.Sequence{}).To(sink)).With(flow.Config{MaxInFlight: 4})
		mustRun(t, p)
		if got := eventText(sink.Values()); got != "a0" {
			t.Errorf("delivered %q", got)
		}
		wantLedger(t, p, flow.Line{In: 5, Delivered: 1, DeadLettered: 4}, flow.Line{})
	})
}

// TestResequenceMaxKeys goes to the bound and one key beyond it.
func TestResequenceMaxKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink, rejected := memory.NewSink[event](), deadEvents()
		source := flow.From(memory.NewSource(events("a0 b0 c0 a1")...)).DeadLetter(rejected)
		mustRun(t, flow.New("events", inSequence(source, flow.Sequence{}).To(sink)).With(flow.Config{MaxKeys: 2}))
		if got := eventText(sink.Values()); got != "a0 b0 a1" || !strings.Contains(rejected.Values()[0].Cause, "more than 2 keys") {
			t.Errorf("delivered %q, letters %v", got, rejected.Values())
		}
	})
}

// TestResequenceForgetsGaps: beyond the gaps that a key remembers, an old number is
// refused, never taken for a duplicate.
func TestResequenceForgetsGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var in []event
		for n := 1; n <= 2*100; n += 2 { // every even number is missing
			in = append(in, event(fmt.Sprintf("a%d", n)))
		}
		source, rejected := memory.NewFeed(in...), deadEvents()
		p := start(t, flow.New("events", inSequence(flow.From(source).DeadLetter(rejected), flow.Sequence{Wait: time.Second}).
			To(memory.NewSink[event]())))
		time.Sleep(time.Hour)
		source.Send("a0", "a1", "a198", "a199")
		source.Finish()
		if err := p.wait(); err != nil {
			t.Error(err)
		}
		wantLedger(t, p.Pipeline, flow.Line{In: 104, Delivered: 100, DeadLettered: 3, Duplicate: 1}, flow.Line{})
	})
}
