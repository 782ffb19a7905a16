package flow_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

func TestAllYieldsEverything(t *testing.T) {
	both(t, "all", func(t *testing.T, from func(connector.Source[int]) flow.Flow[int]) {
		source := memory.NewSource(numbers(100)...)
		var got []int
		for n, err := range from(audit(t, source)).Filter(even).All(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, n)
		}
		if len(got) != 50 || !slices.IsSorted(got) || source.Count(connector.Delivered) != 50 || source.Count(connector.Filtered) != 50 {
			t.Errorf("got %v, settled %v", got, source.Settled())
		}
	})
}

// TestAllDeliversWhenAskedForTheNext: the current value is not delivered before.
func TestAllDeliversWhenAskedForTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewSource(1, 2, 3)
		for n := range flow.From(source).Batch(1, 0).MapEach(sameAll).All(t.Context()) {
			synctest.Wait()
			if got := source.Count(connector.Delivered); got != n-1 {
				t.Errorf("at value %d there are %d delivered", n, got)
			}
		}
		if got := source.Count(connector.Delivered); got != 3 {
			t.Errorf("%d are delivered at the end", got)
		}
	})
}

// TestAllLeft: leaving the loop delivers the current value and returns what was read
// ahead; a second loop goes on from there.
func TestAllLeft(t *testing.T) {
	both(t, "break", func(t *testing.T, from func(connector.Source[int]) flow.Flow[int]) {
		source := memory.NewSource(numbers(10)...)
		a := audit(t, source)
		all := from(a).All(t.Context())
		for n := range all {
			if n == 4 {
				break
			}
		}
		a.ended()
		if source.Count(connector.Delivered) != 4 || source.Left() != 6 || source.Attempts("memory:5") != 0 {
			t.Errorf("%d delivered, %d left, %d attempts", source.Count(connector.Delivered), source.Left(), source.Attempts("memory:5"))
		}
		var rest []int
		for n, err := range all {
			if err != nil {
				t.Fatal(err)
			}
			rest = append(rest, n)
		}
		if want := []int{5, 6, 7, 8, 9, 10}; !slices.Equal(rest, want) {
			t.Errorf("the second loop got %v, want %v", rest, want)
		}
		a.ended()
	})
	both(t, "break at a source that takes nothing back", func(t *testing.T, from func(connector.Source[int]) flow.Flow[int]) {
		source := memory.NewSource(numbers(10)...)
		source.Declare(connector.Capabilities{Ordered: true})
		a := audit(t, source)
		for range from(a).All(t.Context()) {
			break
		}
		a.ended()
		if source.Count(connector.Delivered) != 1 {
			t.Errorf("settled %v", source.Settled())
		}
	})
	both(t, "panic", func(t *testing.T, from func(connector.Source[int]) flow.Flow[int]) {
		source := memory.NewSource(numbers(10)...)
		a := audit(t, source)
		func() {
			defer func() {
				if r := recover(); r != "boom" {
					t.Errorf("recovered %v", r)
				}
			}()
			for n := range from(a).All(t.Context()) {
				if n == 4 {
					panic("boom")
				}
			}
		}()
		a.ended()
		if source.Count(connector.Delivered) != 3 || source.Left() != 7 || !errors.Is(causeOf(source, 4), connector.ErrStopped) {
			t.Errorf("%d delivered, %d left, the fourth with %v", source.Count(connector.Delivered), source.Left(), causeOf(source, 4))
		}
	})
	bubble(t, "return while the source has no more to give", func(t *testing.T) {
		source := memory.NewFeed(1)
		for range flow.From(source).Buffer(1, flow.Block).All(t.Context()) {
			break
		}
		if source.Count(connector.Delivered) != 1 {
			t.Errorf("settled %v", source.Settled())
		}
	})
}

// causeOf is why the message at the offset was settled as it was last.
func causeOf(source *memory.Source[int], offset int64) error {
	for _, s := range slices.Backward(source.Settled()) {
		if s.Position.Offset == offset {
			return s.Cause
		}
	}

	return nil
}

// TestAllEndsWithTheError: the last pair has the error of the run and no value.
func TestAllEndsWithTheError(t *testing.T) {
	both(t, "read", func(t *testing.T, from func(connector.Source[int]) flow.Flow[int]) {
		source := memory.NewSource(1, 2)
		source.ScriptRead(memory.PassThenFail(connector.Permanent(errBad)))
		var values []int
		var last error
		for n, err := range from(source).All(t.Context()) {
			if last != nil {
				t.Errorf("a pair after the error: %d, %v", n, err)
			}
			values, last = append(values, n), err
		}
		if !errors.Is(last, errBad) || !slices.Equal(values, []int{1, 2, 0}) {
			t.Errorf("values %v, error %v", values, last)
		}
	})
	t.Run("definition", func(t *testing.T) {
		pairs := 0
		for _, err := range (flow.Flow[int]{}).All(t.Context()) {
			pairs++
			if _, ok := errors.AsType[*flow.DefinitionError](err); !ok {
				t.Errorf("error %v", err)
			}
		}
		if pairs != 1 {
			t.Errorf("%d pairs", pairs)
		}
	})
	t.Run("left at the error", func(t *testing.T) {
		for range (flow.Flow[int]{}).All(t.Context()) {
			break
		}
	})
}

// TestAllUntilTheContextEnds: what was read is still yielded, and nothing else is read.
func TestAllUntilTheContextEnds(t *testing.T) {
	both(t, "cancel", func(t *testing.T, from func(connector.Source[int]) flow.Flow[int]) {
		source := memory.NewFeed(1, 2, 3)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var got []int
		for n, err := range from(source).All(ctx) {
			if err != nil {
				t.Errorf("error %v", err)
			}
			if got = append(got, n); n == 2 {
				cancel()
				synctest.Wait()
				source.Send(4)
			}
		}
		if !slices.Equal(got, numbers(3)) || source.Count(connector.Delivered) != 3 || source.Left() != 1 {
			t.Errorf("got %v, settled %v", got, source.Settled())
		}
	})
	bubble(t, "a loop that takes longer than the drain", func(t *testing.T) {
		source := memory.NewFeed(1, 2, 3)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var got []int
		for n, err := range flow.From(source).All(ctx) {
			if err == nil {
				got = append(got, n)
				cancel()
				time.Sleep(31 * time.Second)
			}
		}
		if !slices.Equal(got, []int{1}) || source.Left() != 2 {
			t.Errorf("got %v, %d left", got, source.Left())
		}
	})
}
