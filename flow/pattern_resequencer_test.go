package flow_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// is returns a predicate for one of the events.
func is(text string) func(event) bool { return func(e event) bool { return string(e) == text } }

func not(p func(event) bool) func(event) bool { return func(e event) bool { return !p(e) } }

// TestResequencerPattern: what a resequencer waits for may never come, whatever became of it
// above; what it let go on may fail below. Neither makes it stand still, nor let a number
// pass twice, nor lose what it holds.
func TestResequencerPattern(t *testing.T) {
	type stage = func(flow.Flow[event]) flow.Flow[event]
	same := func(f flow.Flow[event]) flow.Flow[event] { return f }
	fails := func(text string) stage {
		return func(f flow.Flow[event]) flow.Flow[event] {
			return f.Map(func(_ context.Context, e event) (event, error) {
				if string(e) == text {
					return e, connector.Permanent(errBad)
				}

				return e, nil
			})
		}
	}
	tests := []struct {
		// name is the case and the stricter of the outcomes that are in use for it.
		name string
		// in comes one a second; a dot is a second without one.
		in string
		// above and below stand round the resequencer, which waits for 2.4 s.
		above, below stage
		want         string // with the milliseconds since the beginning
		line         flow.Line
	}{
		{"messages that keep coming behind a gap do not begin its wait anew", "a1 a2 a3 a4 a5", same, same,
			"a1@2400 a2@2400 a3@2400 a4@3000 a5@4000", flow.Line{In: 5, Delivered: 5}},
		{"a number that a filter above took is skipped after the wait", "a0 a1 a2 . .", func(f flow.Flow[event]) flow.Flow[event] { return f.Filter(not(is("a1"))) }, same,
			"a0@0 a2@4400", flow.Line{In: 3, Delivered: 2, Filtered: 1}},
		{"so is one that failed above", "a0 a1 a2 . .", fails("a1"), same,
			"a0@0 a2@4400", flow.Line{In: 3, Delivered: 2, DeadLettered: 1}},
		{"one that a filter below took is done, and nobody waits for it", "a1 a0 a2", same, func(f flow.Flow[event]) flow.Flow[event] { return f.Filter(not(is("a1"))) },
			"a0@1000 a2@2000", flow.Line{In: 3, Delivered: 2, Filtered: 1}},
		{"one that failed below for good is done too", "a1 a0 a2", same, fails("a1"),
			"a0@1000 a2@2000", flow.Line{In: 3, Delivered: 2, DeadLettered: 1}},
		{"and does not pass when it is sent again", "a0 a1 a1 a2", same, fails("a1"),
			"a0@0 a2@3000", flow.Line{In: 4, Delivered: 2, DeadLettered: 1, Duplicate: 1}},
		{"a repeat of what waits does not pass when the gap is skipped", "a1 a1 . . a1", same, same,
			"a1@2400", flow.Line{In: 3, Delivered: 1, Duplicate: 2}},
		{"a number that comes late is refused as often as it comes", "a1 . . a0 a0", same, same,
			"a1@2400", flow.Line{In: 3, Delivered: 1, DeadLettered: 2}},
		{"a gap of millions of numbers takes no longer than a gap of one", "a0 a9000000 a9000001 .", same, same,
			"a0@0 a9000000@3400 a9000001@3400", flow.Line{In: 3, Delivered: 3}},
		{"what is held at the end of the input goes on in order, not as it came", "a7 a5 a6", same, same,
			"a5@2400 a6@2400 a7@2400", flow.Line{In: 3, Delivered: 3}},
		{"the end of the input does not wait for what is missing", "a2 a1", same, same,
			"a1@2000 a2@2000", flow.Line{In: 2, Delivered: 2}},
		{"a key that fails holds up no other", "a0 b0 a1 b1", same, fails("a0"),
			"b0@1000 a1@2000 b1@3000", flow.Line{In: 4, Delivered: 3, DeadLettered: 1}},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			source, begin := memory.NewFeed[event](), time.Now()
			var got []string
			p := start(t, flow.New("resequencer", test.below(
				inSequence(test.above(flow.From(audit(t, source)).DeadLetter(deadEvents())), flow.Sequence{Wait: 2400 * time.Millisecond})).
				Observe(func(m connector.Message[event]) {
					got = append(got, fmt.Sprintf("%s@%d", m.Value, time.Since(begin).Milliseconds()))
				}).To(memory.NewSink[event]())))
			for _, e := range events(test.in) {
				if e != "." {
					source.Send(e)
				}
				time.Sleep(time.Second)
			}
			source.Finish()
			if err := p.wait(); err != nil {
				t.Fatal(err)
			}
			if text := strings.Join(got, " "); text != test.want {
				t.Errorf("went on as %q, want %q", text, test.want)
			}
			wantLedger(t, p.Pipeline, test.line, flow.Line{})
		})
	}
}

// Resequencer, parts of one message: it ends after the last of them, in their order, however
// they were cut.
func TestResequencerPatternOfParts(t *testing.T) {
	bubble(t, "parts", func(t *testing.T) {
		source, sink := memory.NewSource("a2 a0 b1 b0 a1"), memory.NewSink[event]()
		parts := func(_ context.Context, text string) iter.Seq2[event, error] {
			return func(yield func(event, error) bool) {
				for _, e := range events(text) {
					if !yield(e, nil) {
						return
					}
				}
			}
		}
		p := flow.New("parts", inSequence(flow.From(audit(t, source)).Split(parts), flow.Sequence{}).To(sink))
		mustRun(t, p)
		if got := eventText(sink.Values()); got != "a0 b0 b1 a1 a2" {
			t.Errorf("parts %q", got)
		}
		wantLedger(t, p, flow.Line{In: 1, Delivered: 1}, flow.Line{In: 5, Delivered: 5})
	})
}

// Resequencer, a sink that fails for a time: what failed comes again, and what waits behind
// it neither overtakes it nor is lost.
func TestResequencerPatternSinkIsDown(t *testing.T) {
	bubble(t, "down", func(t *testing.T) {
		source, sink := memory.NewSource(events("a2 a1 a0")...), memory.NewSink[event]()
		source.HoldEOF()
		sink.Script(memory.Fail(connector.Transient(errBad)).Times(4))
		p := flow.New("down", inSequence(flow.From(audit(t, source)), flow.Sequence{Wait: time.Hour}).To(sink))
		mustRun(t, p)
		if got := sink.Values(); len(got) != 3 || !slices.Contains(got, "a0") || !slices.Contains(got, "a1") || !slices.Contains(got, "a2") {
			t.Errorf("delivered %q", got)
		}
		if l := p.Ledger().Source; l.Delivered != 3 || l.Duplicate > 0 || l.Returned != 4 {
			t.Errorf("ledger %v", l)
		}
	})
}

// Resequencer, started again: a run that begins with later numbers than the first does not
// stand still for ever, and loses none of them.
func TestResequencerPatternStartedAgain(t *testing.T) {
	for _, wait := range []time.Duration{0, time.Second} {
		bubble(t, fmt.Sprintf("wait %v", wait), func(t *testing.T) {
			source, sink, rejected := memory.NewSource(events("a7 a9 a8")...), memory.NewSink[event](), deadEvents()
			p := flow.New("again", inSequence(flow.From(audit(t, source)).DeadLetter(rejected), flow.Sequence{Wait: wait}).To(sink))
			mustRun(t, p)
			if got := eventText(sink.Values()); got != "a7 a8 a9" && wait > 0 || len(sink.Values())+rejected.Accepted() != 3 {
				t.Errorf("delivered %q, %d letters", got, rejected.Accepted())
			}
		})
	}
}
