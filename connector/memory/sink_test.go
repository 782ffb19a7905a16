package memory_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
)

var (
	errDown = errors.New("down")
	errLost = errors.New("reply lost")
)

func wrap[T any](values ...T) []connector.Message[T] {
	messages := make([]connector.Message[T], len(values))
	for i, value := range values {
		messages[i] = connector.NewMessage(value, connector.Fields{ID: "m" + strconv.Itoa(i)})
	}

	return messages
}

// outcome of one scripted call, by what is accepted, returned and waited for.
func TestSteps(t *testing.T) {
	gate := make(chan struct{})
	close(gate)
	tests := []struct {
		name     string
		steps    []memory.Step
		errs     []error // of the calls, in order
		accepted int
		took     time.Duration
	}{
		{"nothing scripted", nil, []error{nil, nil}, 2, 0},
		{"zero step", []memory.Step{{}}, []error{nil, nil}, 2, 0},
		{"fail once", []memory.Step{memory.Fail(errDown)}, []error{errDown, nil}, 1, 0},
		{"fail twice", []memory.Step{memory.Fail(errDown).Times(2)}, []error{errDown, errDown, nil}, 1, 0},
		{"fail the second", []memory.Step{memory.Pass(), memory.Fail(errDown)}, []error{nil, errDown, nil}, 2, 0},
		{"fail always", []memory.Step{memory.Fail(errDown).Always(), memory.Pass()}, []error{errDown, errDown, errDown}, 0, 0},
		{"accepted and failed", []memory.Step{memory.PassThenFail(errLost)}, []error{errLost, nil}, 2, 0},
		{"removed", []memory.Step{memory.Fail(errDown).Times(0), memory.Fail(errDown).Times(-1)}, []error{nil}, 1, 0},
		{"delay", []memory.Step{memory.Pass().Delay(time.Second).Times(2)}, []error{nil, nil, nil}, 3, 2 * time.Second},
		{"delayed failure", []memory.Step{memory.Fail(errDown).Delay(time.Second)}, []error{errDown, nil}, 1, time.Second},
		{"released", []memory.Step{memory.Block(gate)}, []error{nil}, 1, 0},
		{"the last refinement counts", []memory.Step{memory.Fail(errDown).Always().Times(1)}, []error{errDown, nil}, 1, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sink, start := memory.NewSink[int](), time.Now()
				sink.Script(test.steps...)
				for i, want := range test.errs {
					if err := sink.Write(t.Context(), wrap(i)); !errors.Is(err, want) {
						t.Errorf("call %d: error %v, want %v", i, err, want)
					}
				}
				if sink.Accepted() != test.accepted || len(sink.Writes()) != len(test.errs) {
					t.Errorf("%d accepted by %d writes", sink.Accepted(), len(sink.Writes()))
				}
				if took := time.Since(start); took != test.took {
					t.Errorf("took %v, want %v", took, test.took)
				}
			})
		})
	}
}

func TestStepsEndWithTheContext(t *testing.T) {
	for name, step := range map[string]func() memory.Step{
		"delay": func() memory.Step { return memory.Pass().Delay(time.Hour) },
		"block": func() memory.Step { return memory.Block(make(chan struct{})) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				sink := memory.NewSink[int]()
				sink.Script(step())
				if err := sink.Write(ctx, wrap(1)); !errors.Is(err, context.DeadlineExceeded) || sink.Accepted() > 0 {
					t.Errorf("error %v, %d accepted", err, sink.Accepted())
				}
			})
		})
	}
}

func TestEndedContextTakesNoStep(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	sink := memory.NewSink[int]()
	sink.Script(memory.Fail(errDown))
	if err := sink.Write(ctx, wrap(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if err := sink.Write(t.Context(), wrap(1)); !errors.Is(err, errDown) {
		t.Errorf("error %v: the step should be left", err)
	}
}

func TestSinkFailWhen(t *testing.T) {
	refuse := func(value int) error {
		switch {
		case value == 2:
			return errDown
		case value == 3:
			return connector.Ambiguous(errLost)
		default:
			return nil
		}
	}
	tests := []struct {
		name    string
		ordered bool
		fates   []connector.Fate
		values  []int
	}{
		{
			"unordered goes on", false,
			[]connector.Fate{connector.Accepted, connector.Failed, connector.Unclear, connector.Accepted}, []int{1, 3, 4},
		},
		{
			"ordered stops", true,
			[]connector.Fate{connector.Accepted, connector.Failed, connector.NotAttempted, connector.NotAttempted}, []int{1},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sink := memory.NewSink[int]()
			sink.Declare(connector.Capabilities{Ordered: test.ordered})
			sink.FailWhen(refuse)
			partial, ok := errors.AsType[*connector.PartialError](sink.Write(t.Context(), wrap(1, 2, 3, 4)))
			if !ok {
				t.Fatal("no PartialError")
			}
			for i, member := range partial.Members {
				if member.Fate != test.fates[i] {
					t.Errorf("message %d is %s, want %s", i, member.Fate, test.fates[i])
				}
			}
			if got := sink.Values(); !slices.Equal(got, test.values) {
				t.Errorf("accepted %v, want %v", got, test.values)
			}
			sink.FailWhen(nil)
			if err := sink.Write(t.Context(), wrap(2)); err != nil {
				t.Errorf("error %v after FailWhen(nil)", err)
			}
		})
	}
}

// TestSinkCopiesMetadata reuses a Meta and its parent as a Reader may.
func TestSinkCopiesMetadata(t *testing.T) {
	sink := memory.NewSink[string]()
	meta := connector.MakeMeta(connector.Fields{Position: connector.Position{Partition: "p", Offset: 1}, Key: "k"})
	messages := []connector.Message[string]{{Meta: &meta, Value: "whole"}, {Meta: meta.Part(2), Value: "part"}}
	if err := sink.Write(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
	meta = connector.MakeMeta(connector.Fields{ID: "another"})
	got := sink.Messages()
	if got[0].ID() != "p:1" || got[1].ID() != "p:1/2" || got[1].Key() != "k" {
		t.Errorf("IDs %q and %q", got[0].ID(), got[1].ID())
	}
}

func TestSinkDiscard(t *testing.T) {
	sink := memory.NewSink[int]()
	sink.Discard()
	messages, ctx := wrap(1, 2, 3), t.Context()
	allocs := testing.AllocsPerRun(100, func() { _ = sink.Write(ctx, messages) })
	if allocs != 0 || sink.Accepted() != 303 || len(sink.Values()) != 0 || len(sink.Writes()) != 0 {
		t.Errorf("%v allocations, %d accepted, %d kept", allocs, sink.Accepted(), len(sink.Values()))
	}
}

func TestSinkFlush(t *testing.T) {
	sink := memory.NewSink[int]()
	sink.ScriptFlush(memory.Fail(errDown), memory.PassThenFail(errLost))
	for _, want := range []error{errDown, errLost, nil} {
		if err := sink.Flush(t.Context()); !errors.Is(err, want) {
			t.Errorf("error %v, want %v", err, want)
		}
	}
	if sink.Flushes() != 3 {
		t.Errorf("%d flushes", sink.Flushes())
	}
}

func TestDeclareKeepsAName(t *testing.T) {
	sink, source := memory.NewSink[int](), memory.NewSource[int]()
	sink.Declare(connector.Capabilities{Durable: true})
	source.Declare(connector.Capabilities{Name: "orders"})
	if got := connector.Describe(sink); got.Name != "memory" || !got.Durable {
		t.Errorf("sink %+v", got)
	}
	if got := connector.Describe(source); got.Name != "orders" || got.Returns {
		t.Errorf("source %+v", got)
	}
}

func TestCaller(t *testing.T) {
	caller := memory.NewCaller(func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	caller.Script(memory.Fail(errDown), memory.PassThenFail(errLost))
	for i, want := range []error{errDown, errLost, nil} {
		got, err := caller.Call(t.Context(), i)
		if !errors.Is(err, want) || err != nil && got != 0 || err == nil && got != 2*i {
			t.Errorf("call %d: %d, %v", i, got, err)
		}
	}
	if got := caller.Requests(); !slices.Equal(got, []int{0, 1, 2}) {
		t.Errorf("requests %v", got)
	}
	if got, err := memory.NewCaller[int, string](nil).Call(t.Context(), 1); got != "" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestScriptIsSharedByCallers(t *testing.T) {
	caller := memory.NewCaller[int, int](nil)
	caller.Script(memory.Fail(errDown).Times(5))
	var mu sync.Mutex
	var wg sync.WaitGroup
	failed := 0
	for i := range 20 {
		wg.Go(func() {
			if _, err := caller.Call(t.Context(), i); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed++
			}
		})
	}
	wg.Wait()
	if failed != 5 {
		t.Errorf("%d calls failed, want 5", failed)
	}
}

func BenchmarkSink(b *testing.B) {
	messages := wrap(make([]int, 100)...)
	for name, discard := range map[string]bool{"record": false, "discard": true} {
		b.Run(name, func(b *testing.B) {
			sink := memory.NewSink[int]()
			if discard {
				sink.Discard()
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := sink.Write(b.Context(), messages); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
