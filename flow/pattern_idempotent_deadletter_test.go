package flow_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

// TestIdempotentReceiverPattern: a key is done when its message is done, not when it was
// first seen; so a message may be refused as a repeat only after a success.
func TestIdempotentReceiverPattern(t *testing.T) {
	fails := func(times int) func(ints) ints {
		work := flaky(times, errBad)

		return func(f ints) ints {
			return f.Buffer(9, flow.Block).Map(func(ctx context.Context, n int) (int, error) {
				time.Sleep(time.Second) // a repeat comes meanwhile

				return work(ctx, n)
			})
		}
	}
	tests := []struct {
		// name is the case and the stricter of the outcomes that are in use for it.
		name string
		in   []int
		// below stands under the Once.
		below   func(ints) ints
		rejects bool
		want    []int
		line    flow.Line
	}{
		{"a repeat of a message in flight that fails shares its failure, and is no duplicate", []int{1, 11}, fails(1), true, nil,
			flow.Line{In: 2, DeadLettered: 2}},
		{"a first message that came back is not its own repeat", []int{1}, fails(3), false, []int{1},
			flow.Line{In: 4, Returned: 3, Delivered: 1}},
		{"a first message that was filtered is done: its repeat is one", []int{2, 12}, func(f ints) ints { return f.Filter(odd) }, true, nil,
			flow.Line{In: 2, Filtered: 1, Duplicate: 1}},
		{"a repeat in the same batch does not wait for itself", []int{1, 11}, func(f ints) ints { return f.Batch(2, time.Second).MapEach(sameAll) }, true, []int{1},
			flow.Line{In: 2, Delivered: 1, Duplicate: 1}},
		{"of many at once one goes on", []int{1, 11, 21, 31, 41}, func(f ints) ints { return f.Parallel(4, nothing) }, true, []int{1},
			flow.Line{In: 5, Delivered: 1, Duplicate: 4}},
		{"a key of which some parts failed is not done", []int{1}, func(f ints) ints { return f.Split(twice).Map(flaky(1, errBad)) }, false, []int{1, 1, 1},
			flow.Line{In: 2, Returned: 1, Delivered: 1}},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			source, sink := memory.NewSource(test.in...), memory.NewSink[int]()
			source.HoldEOF()
			f := flow.From(audit(t, source))
			if test.rejects {
				f = f.DeadLetter(newDead())
			}
			p := flow.New("receiver", test.below(f.Once(memory.NewStore(), byTen, 0)).To(sink))
			mustRun(t, p)
			if got := sink.Values(); !slices.Equal(got, test.want) || p.Ledger().Source != test.line {
				t.Errorf("delivered %v, ledger %v; want %v, %v", got, p.Ledger().Source, test.want, test.line)
			}
		})
	}
}

// Idempotent receiver, stages that share a store: one does not take what another has seen
// for its own, and the end of one pipeline wipes nothing that the other remembers.
func TestIdempotentReceiversShareAStore(t *testing.T) {
	store := memory.NewStore()
	receiver := func(name string, in ...int) (*flow.Pipeline, *memory.Sink[int], *memory.Sink[int]) {
		first, second := memory.NewSink[int](), memory.NewSink[int]()
		f := flow.From(memory.NewSource(in...))

		return flow.New(name, f.Once(store, byTen, 0).As("first").To(first), f.Once(store, byTen, 0).As("second").To(second)), first, second
	}
	p, first, second := receiver("one", 1, 2)
	mustRun(t, p)
	if first.Accepted() != 2 || second.Accepted() != 2 {
		t.Errorf("%d and %d of 2 messages", first.Accepted(), second.Accepted())
	}
	other, first, _ := receiver("two", 1)
	stopped := make(chan error, 1)
	go func() { stopped <- other.Run(t.Context()) }()
	if err := <-stopped; err != nil || first.Accepted() != 1 {
		t.Errorf("another pipeline: %d of 1 message, %v", first.Accepted(), err)
	}
	again, first, second := receiver("one", 1, 2, 3)
	mustRun(t, again)
	if got := append(first.Values(), second.Values()...); !slices.Equal(got, []int{3, 3}) {
		t.Errorf("after the other pipeline has ended, %v went on; want 3 alone", got)
	}
}

// Idempotent receiver, a process that dies between the effect and its note: the message is
// not taken for done, nor kept out for ever; it goes on once the claim of the dead has ended.
func TestIdempotentReceiverAfterACrash(t *testing.T) {
	bubble(t, "claimed", func(t *testing.T) {
		store, sink, begin := memory.NewStore(), memory.NewSink[int](), time.Now()
		if _, err := store.Claim(t.Context(), `"receiver"/"once"/1`, time.Minute); err != nil { // as the dead process did
			t.Fatal(err)
		}
		source := memory.NewSource(1)
		source.HoldEOF()
		p := flow.New("receiver", flow.From(audit(t, source)).Once(store, byTen, 0).As("once").To(sink))
		mustRun(t, p)
		if took := time.Since(begin); sink.Accepted() != 1 || took < time.Minute || took > 2*time.Minute {
			t.Errorf("%d messages after %v; want 1 after a minute", sink.Accepted(), took)
		}
		if l := p.Ledger().Source; l.Duplicate != 0 || l.Delivered != 1 {
			t.Errorf("ledger %v", l)
		}
	})
}

// TestDeadLetterPattern: every way to fail ends in a letter with the last cause, or at the
// source; never in a success.
func TestDeadLetterPattern(t *testing.T) {
	other := connector.Permanent(errors.New("another kind of error"))
	inTurn := func(errs ...error) func(context.Context, int) (int, error) {
		return func(_ context.Context, n int) (int, error) {
			if len(errs) == 0 {
				return n, nil
			}
			err := errs[0]
			errs = errs[1:]

			return n, err
		}
	}
	again := retry.Policy{Attempts: 3, Initial: time.Second, Idempotent: true}
	tests := []struct {
		// name is the case and the stricter of the outcomes that are in use for it.
		name  string
		below func(ints) ints
		// cause is that of the letter; nil is none.
		cause error
		line  flow.Line
	}{
		{"an error of another kind on the second attempt has its letter",
			func(f ints) ints { return f.Do(flow.Func("work", inTurn(errBad, other)).Retry(again)) }, other, flow.Line{In: 1, DeadLettered: 1}},
		{"so it has with the retry of the flow",
			func(f ints) ints { return f.Retry(again).Map(inTurn(errBad, other)) }, other, flow.Line{In: 1, DeadLettered: 1}},
		{"a panic on the second attempt has its letter", func(f ints) ints {
			step := flow.Func("work", func(_ context.Context, n int) (int, error) { panic(other) })

			return f.Do(step.Retry(again))
		}, other, flow.Line{In: 1, DeadLettered: 1}},
		{"a success on the last attempt has none",
			func(f ints) ints { return f.Do(flow.Func("work", inTurn(errBad, errBad)).Retry(again)) }, nil, flow.Line{In: 1, Delivered: 1}},
		{"a fallback that fails has its letter, with the error of the fallback", func(f ints) ints {
			return f.Do(flow.Func("work", inTurn(errBad)).Fallback(func(_ context.Context, n int, _ error) (int, error) { return n, other }))
		}, other, flow.Line{In: 1, DeadLettered: 1}},
		{"a context that the function ends by itself is a failure like any other", func(f ints) ints {
			return f.Map(func(context.Context, int) (int, error) { return 0, context.Canceled })
		}, context.Canceled, flow.Line{In: 1, DeadLettered: 1}},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			source, sink, rejected := memory.NewSource(1), memory.NewSink[int](), newDead()
			p := flow.New("letters", test.below(flow.From(audit(t, source)).DeadLetter(rejected)).To(sink))
			mustRun(t, p)
			letters := rejected.Values()
			switch {
			case p.Ledger().Source != test.line:
				t.Errorf("ledger %v, want %v", p.Ledger().Source, test.line)
			case test.cause != nil && (len(letters) != 1 || !errors.Is(letters[0].Err, test.cause) || letters[0].Value != 1):
				t.Errorf("letters %+v, want one with %v", letters, test.cause)
			case test.cause == nil && len(letters) > 0:
				t.Errorf("letters %+v", letters)
			}
		})
	}
}

// Dead letter, a sink for letters that fails for a time: the message stays with its source
// and is tried again, and is neither done nor rejected twice.
func TestDeadLetterSinkIsDownForATime(t *testing.T) {
	bubble(t, "down", func(t *testing.T) {
		source, rejected := memory.NewSource(1, 2), newDead()
		source.HoldEOF()
		rejected.Script(memory.Fail(connector.Transient(errors.New("down"))).Times(5))
		p := flow.New("letters", flow.From(audit(t, source)).DeadLetter(rejected).Map(failAt(2)).To(memory.NewSink[int]()))
		mustRun(t, p)
		if l := p.Ledger().Source; l.Delivered != 1 || l.DeadLettered != 1 || l.Returned != 5 || rejected.Accepted() != 1 {
			t.Errorf("ledger %v, %d letters", l, rejected.Accepted())
		}
	})
}

// Dead letter, redrive: letters that go through the flow again leave their place only when
// they have ended; a redrive that is stopped half-way keeps all that has not.
func TestDeadLetterRedrive(t *testing.T) {
	for _, stopped := range []bool{false, true} {
		bubble(t, fmt.Sprintf("stopped %v", stopped), func(t *testing.T) {
			rejected, sink := newDead(), memory.NewSink[int]()
			mustRun(t, flow.New("first", flow.From(memory.NewSource(numbers(4)...)).DeadLetter(rejected).
				Map(func(_ context.Context, n int) (int, error) { return n, connector.Permanent(errBad) }).To(memory.NewSink[int]())))
			letters := memory.NewFeed(rejected.Values()...)
			p := start(t, flow.New("redrive", flow.From(audit(t, letters)).
				Map(func(ctx context.Context, l connector.DeadLetter[int]) (int, error) {
					select {
					case <-time.After(time.Minute):
						return l.Value, nil
					case <-ctx.Done():
						return 0, ctx.Err()
					}
				}).To(sink)))
			time.Sleep(90 * time.Second)
			if stopped {
				if _, err := p.stop(time.Second); err != nil {
					t.Error(err)
				}
			} else {
				letters.Finish()
			}
			if err := p.wait(); err != nil {
				t.Fatal(err)
			}
			done := letters.Count(connector.Delivered)
			if done != sink.Accepted() || !stopped && done != 4 || stopped && (done == 0 || done == 4) {
				t.Errorf("%d letters are done, %d of them arrived", done, sink.Accepted())
			}
		})
	}
}
