package flow_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

func TestMapFilterTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewSource(1, 2, 3, 4)
		sink := memory.NewSink[string]()
		p := flow.New("numbers",
			flow.From(source).
				Filter(func(n int) bool { return n%2 == 0 }).
				Map(flow.Pure(strconv.Itoa)).
				To(sink))
		if err := p.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := sink.Values(), []string{"2", "4"}; !slices.Equal(got, want) {
			t.Errorf("sink has %q, want %q", got, want)
		}
		want := flow.Line{In: 4, Delivered: 2, Filtered: 2}
		if got := p.Ledger().Source; got != want {
			t.Errorf("ledger %+v, want %+v", got, want)
		}
	})
}

func TestBatchDeadLetterPartial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewSource(1, 2, 3, 4, 5)
		sink, rejected := memory.NewSink[int](), memory.NewSink[connector.DeadLetter[int]]()
		bad := errors.New("bad")
		sink.FailWhen(func(n int) error {
			if n == 3 {
				return bad
			}
			return nil
		})
		p := flow.New("batches", flow.From(source).DeadLetter(rejected).Batch(2, time.Second).To(sink))
		if err := p.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := rejected.Values(); len(got) != 1 || got[0].Value != 3 || !errors.Is(got[0].Err, bad) {
			t.Errorf("dead letters %+v", got)
		}
		if got, want := p.Ledger().Source, (flow.Line{In: 5, Delivered: 4, DeadLettered: 1}); got != want {
			t.Errorf("ledger %+v, want %+v", got, want)
		}
	})
}

func TestParallelOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var in []int
		for i := range 1000 {
			in = append(in, i)
		}
		source, sink := memory.NewSource(in...), memory.NewSink[int]()
		p := flow.New("par", flow.From(source).Parallel(8, func(f flow.Flow[int]) flow.Flow[int] {
			return f.Map(func(_ context.Context, n int) (int, error) {
				time.Sleep(time.Duration(n%7) * time.Millisecond)
				return n, nil
			}).Filter(func(n int) bool { return n%5 != 0 })
		}).Batch(10, time.Second).To(sink))
		if err := p.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !slices.IsSorted(sink.Values()) || len(sink.Values()) != 800 {
			t.Errorf("order lost or %d values", len(sink.Values()))
		}
		if l := p.Ledger(); !l.Balanced() || l.Source.Filtered != 200 {
			t.Error(l)
		}
	})
}

func TestOnceDuplicatesAndBroadcast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewSource("a", "b", "a", "c", "b")
		x, y := memory.NewSink[string](), memory.NewSink[string]()
		store := memory.NewStore()
		f := flow.From(source).Once(store, strings.ToUpper, time.Hour)
		p := flow.New("once", f.To(x), f.Filter(func(s string) bool { return s != "a" }).To(y))
		if err := p.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if l := p.Ledger(); l.Source.Duplicate != 2 || l.Source.Delivered != 3 || !l.Balanced() || l.Derived.In != 6 {
			t.Error(l)
		}
	})
}

func TestAllBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewSource(1, 2, 3, 4, 5)
		for n, err := range flow.From(source).All(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if n == 3 {
				break
			}
		}
		if source.Count(connector.Delivered) != 3 || source.Left() != 2 {
			t.Errorf("delivered %d, left %d", source.Count(connector.Delivered), source.Left())
		}
	})
}
