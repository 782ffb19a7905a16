package flow_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// digits splits a number into its digits; 0 has none, and a 9 is an error in its place.
func digits(_ context.Context, n int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for _, d := range strings.TrimPrefix(fmt.Sprint(n), "0") {
			var err error
			if d == '9' {
				err = connector.Permanent(errBad)
			}
			if !yield(int(d-'0'), err) {
				return
			}
		}
	}
}

// TestSplitterPattern: a whole ends once, after the last of its parts, as the worst of
// them; no part is sent twice, and none is lost behind an error of its neighbour.
func TestSplitterPattern(t *testing.T) {
	tests := []struct {
		// name is the case and the stricter of the outcomes that are in use for it.
		name string
		in   int
		// below stands between the split and the sink.
		below func(ints) ints
		want  string
		whole connector.Outcome
	}{
		{"a whole without parts ends all the same", 0, nothing, "", connector.Filtered},
		{"an error between parts fails the whole, after the parts before it", 1292, nothing, "1 2", connector.DeadLettered},
		{"an error in the first place sends nothing", 912, nothing, "", connector.DeadLettered},
		{"a part of a part counts for the whole", 12, func(f ints) ints { return f.Split(twice) }, "1 1 2 2", connector.Delivered},
		{"a failure deep down fails the whole, and its neighbours go on", 123, func(f ints) ints { return f.Split(twice).Map(failAt(2)) }, "1 1 3 3", connector.DeadLettered},
		{"a whole of which each part is filtered is filtered", 22, func(f ints) ints { return f.Filter(odd) }, "", connector.Filtered},
		{"parts that meet again in a batch wait for each other", 123, func(f ints) ints { return f.Batch(3, 0).MapEach(sameAll) }, "1 2 3", connector.Delivered},
		{"parts in a batch that never fills up go on at the end", 12, func(f ints) ints { return f.Batch(3, 0).MapEach(sameAll) }, "1 2", connector.Delivered},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			source, sink := memory.NewSource(test.in), memory.NewSink[int]()
			p := flow.New("splitter", test.below(flow.From(audit(t, source)).DeadLetter(newDead()).Split(digits)).To(sink))
			mustRun(t, p)
			if got := strings.Trim(fmt.Sprint(sink.Values()), "[]"); got != test.want || source.Outcome("memory:1") != test.whole {
				t.Errorf("parts %q of a whole that is %v; want %q, %v", got, source.Outcome("memory:1"), test.want, test.whole)
			}
			if len(source.Settled()) != 1 || !p.Ledger().Balanced() {
				t.Errorf("settled %v, ledger %v", source.Settled(), p.Ledger())
			}
		})
	}
}

// Splitter, a whole too large for memory: parts are made as the stages below take them,
// not all at first; and there may be more of them than messages in flight.
func TestSplitterStreams(t *testing.T) {
	const parts, room = 20_000, 8
	made, delivered, ahead := 0, 0, 0
	sink := connector.SinkFunc[int](func(_ context.Context, ms []connector.Message[int]) error {
		delivered += len(ms)
		ahead = max(ahead, made-delivered)

		return nil
	})
	p := flow.New("stream", flow.From(memory.NewSource(1)).Split(func(context.Context, int) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for made < parts {
				made++
				if !yield(made, nil) {
					return
				}
			}
		}
	}).Batch(room, 0).To(sink)).With(flow.Config{MaxInFlight: room})
	mustRun(t, p)
	if delivered != parts || ahead > room {
		t.Errorf("%d of %d parts delivered, up to %d ahead of the sink", delivered, parts, ahead)
	}
}

// Splitter, a whole that comes back because one part failed: it is split anew, and a Once
// behind the split keeps the parts that are done from going twice.
func TestSplitterSplitsAgain(t *testing.T) {
	for _, once := range []bool{false, true} {
		bubble(t, fmt.Sprintf("once %v", once), func(t *testing.T) {
			source, sink, fail := memory.NewSource(123), memory.NewSink[int](), true
			source.HoldEOF()
			f := flow.From(audit(t, source)).Split(digits)
			if once {
				f = f.OncePerMessage(memory.NewStore(), 0)
			}
			p := flow.New("again", f.Map(func(_ context.Context, n int) (int, error) {
				if n == 2 && fail {
					fail = false

					return 0, errBad
				}

				return n, nil
			}).To(sink))
			mustRun(t, p)
			got, want := sink.Values(), []int{1, 3, 1, 2, 3}
			if once {
				want = []int{1, 3, 2}
			}
			if !slices.Equal(got, want) || source.Outcome("memory:1") != connector.Delivered {
				t.Errorf("parts %v of a whole that is %v; want %v", got, source.Outcome("memory:1"), want)
			}
		})
	}
}

// TestAggregatorPattern: each message is in one group, each group is emitted once, and none
// stays for ever, whatever completes it at the same moment.
func TestAggregatorPattern(t *testing.T) {
	tests := []struct {
		// name is the case and the stricter of the outcomes that are in use for it.
		name string
		when flow.Completion
		// sends has the messages that come at each second, in one go.
		sends [][]int
		want  string
	}{
		{"size and idle time-out at one instant do not both emit the group", flow.Completion{Count: 2, Idle: time.Second}, [][]int{{1}, {3}}, "4/2"},
		{"size and interval at one instant do not both emit the group", flow.Completion{Count: 2, Interval: time.Second}, [][]int{{1}, {3}}, "4/2"},
		{"a message after the size opens a group of its own", flow.Completion{Count: 2}, [][]int{{1, 1}, {5}, {7, 9}}, "12/2 2/2 9/1"},
		{"a message after the time-out opens a group of its own", flow.Completion{Idle: 1500 * time.Millisecond}, [][]int{{1}, nil, {5}}, "1/1 5/1"},
		{"messages that keep coming do not keep a group open past its interval", flow.Completion{Interval: 1500 * time.Millisecond}, [][]int{{1}, {3}, {5}, {7}}, "12/2 4/2"},
		{"a group that nothing completes ends with the input", flow.Completion{Count: 9}, [][]int{{1}, nil, {3}}, "4/2"},
		{"a key that comes again after its group ended begins from nothing", flow.Completion{NewKey: true}, [][]int{{1, 3}, {2}, {5}}, "2/1 4/2 5/1"},
	}
	for _, test := range tests {
		for _, stored := range []bool{false, true} {
			bubble(t, fmt.Sprintf("%s, stored %v", test.name, stored), func(t *testing.T) {
				source, sink := memory.NewFeed[int](), memory.NewSink[group]()
				keyed := flow.From(audit(t, source)).KeyBy(parity)
				if stored {
					keyed = keyed.StoredIn(memory.NewStore())
				}
				p := start(t, flow.New("aggregator", keyed.Aggregate(test.when, sumUp).To(sink)))
				sent := 0
				for i, send := range test.sends {
					if i > 0 {
						time.Sleep(time.Second)
					}
					source.Send(send...)
					sent += len(send)
				}
				synctest.Wait()
				source.Finish()
				if err := p.wait(); err != nil {
					t.Fatal(err)
				}
				var got []string
				members := 0
				for _, g := range sink.Values() {
					members += g.Count
					got = append(got, fmt.Sprintf("%d/%d", g.Value, g.Count))
				}
				slices.Sort(got)
				want := strings.Fields(test.want)
				// Of two things at one instant either may come first: the group has both or each
				// message has its own.
				either := strings.Contains(test.name, "at one instant") && slices.Equal(got, []string{"1/1", "3/1"})
				if !slices.Equal(got, want) && !either || members != sent || source.Count(connector.Delivered) != sent {
					t.Errorf("groups %q of %d messages, want %q of %d; settled %v", got, members, want, sent, source.Settled())
				}
			})
		}
	}
}

// Aggregator, a function that fails for one message: that message alone fails, and its
// group goes on with the others.
func TestAggregatorFailsWhileAdding(t *testing.T) {
	for _, stored := range []bool{false, true} {
		bubble(t, fmt.Sprintf("stored %v", stored), func(t *testing.T) {
			source, sink, rejected := memory.NewSource(1, 3, 5, 7), memory.NewSink[group](), newDead()
			keyed := flow.From(audit(t, source)).DeadLetter(rejected).KeyBy(parity)
			if stored {
				keyed = keyed.StoredIn(memory.NewStore())
			}
			p := flow.New("aggregator", keyed.Aggregate(flow.Completion{Count: 3}, func(sum, n int) int {
				if n == 3 {
					panic(errBad)
				}

				return sum + n
			}).To(sink))
			mustRun(t, p)
			got, letters := sink.Values(), rejected.Values()
			if len(got) != 1 || got[0].Value != 13 || got[0].Count != 3 || len(letters) != 1 || letters[0].Value != 3 {
				t.Errorf("groups %v, letters %v", got, letters)
			}
		})
	}
}

// Aggregator, a group that fails below: its members share the failure and come again, and
// the group is whole the second time; it is not emitted with some of them.
func TestAggregatorGroupComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := memory.NewSource(1, 3, 5), memory.NewSink[int]()
		source.HoldEOF()
		p := flow.New("aggregator", flow.From(audit(t, source)).KeyBy(parity).
			Aggregate(flow.Completion{Count: 3}, sumUp).Map(value).Map(flaky(1, errBad)).To(sink))
		mustRun(t, p)
		if got := sink.Values(); !slices.Equal(got, []int{9}) {
			t.Errorf("groups %v", got)
		}
		wantLedger(t, p, flow.Line{In: 6, Returned: 3, Delivered: 3}, flow.Line{In: 2, Returned: 1, Delivered: 1})
	})
}

// Aggregator, keys that never come again: a finished group leaves nothing behind that
// counts against the number of keys.
func TestAggregatorForgetsFinishedGroups(t *testing.T) {
	for _, stored := range []bool{false, true} {
		t.Run(fmt.Sprintf("stored %v", stored), func(t *testing.T) {
			sink := memory.NewSink[flow.Group[int, int]]()
			keyed := flow.From(memory.NewSource(numbers(400)...)).KeyBy(func(n int) int { return (n - 1) / 2 })
			if stored {
				keyed = keyed.StoredIn(memory.NewStore())
			}
			p := flow.New("aggregator", keyed.Aggregate(flow.Completion{Count: 2}, sumUp).To(sink)).With(flow.Config{MaxKeys: 3})
			mustRun(t, p)
			if sink.Accepted() != 200 {
				t.Errorf("%d groups", sink.Accepted())
			}
		})
	}
}
