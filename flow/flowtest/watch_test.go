package flowtest_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/flow/flowtest"
)

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := memory.NewSource(1, 2, 3, 2)
		inner.SendMessages(connector.NewMessage(5, connector.Fields{ID: "five"}))
		source := flowtest.Watch(inner)
		failures := 1
		p := flow.New("watched", flow.From(source).
			DeadLetter(memory.NewSink[connector.DeadLetter[int]]()).
			Filter(func(n int) bool { return n != 2 }).
			ForEach(func(_ context.Context, n int) error {
				if n == 3 && failures > 0 {
					failures--
					return errDown
				}
				return nil
			}))
		flowtest.Run(t, p)
		if got := source.Outcomes(2); !slices.Equal(got, []connector.Outcome{connector.Filtered, connector.Filtered}) {
			t.Errorf("outcomes %v", got)
		}
		if source.Outcome("five") != connector.Delivered || source.Outcome("unknown") != connector.Pending || source.Outcomes(9) != nil {
			t.Error("the outcomes by ID are wrong")
		}
		three, ok := source.Message("memory:3")
		if !ok || three.Value != 3 || three.Outcome != connector.DeadLettered || !errors.Is(three.Cause, errDown) || three.Deliveries != 1 {
			t.Errorf("message %+v", three)
		}
		if got := source.Messages(); len(got) != 5 || got[4].ID != "five" {
			t.Errorf("messages %+v", got)
		}
	})
}

func TestWatchCountsDeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := memory.NewFeed("a")
		inner.HoldEOF()
		inner.Finish()
		source, sink := flowtest.Watch(inner), memory.NewSink[string]()
		sink.Script(memory.Fail(errDown).Times(2))
		flowtest.Run(t, flow.New("again", flow.From(source).Batch(1, 0).To(sink)))
		if m, _ := source.Message("memory:1"); m.Deliveries != 3 || m.Outcome != connector.Delivered || m.Cause != nil {
			t.Errorf("message %+v", m)
		}
	})
}

func TestWatchWaitsForTheSourceToConfirm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := memory.NewSource("a")
		inner.ScriptSettle(memory.Fail(connector.Permanent(errDown)))
		source := flowtest.Watch(inner)
		_ = flowtest.RunFails(t, flow.New("p", flow.From(source).To(memory.NewSink[string]())))
		source.Want(t, connector.Pending, "a")
		source.Want(t, connector.Delivered)
	})
}

func TestWant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := flowtest.Watch(memory.NewSource("5", "x", "7", "x"))
		flowtest.Run(t, numbers(source, memory.NewSink[int]()))
		for name, c := range map[string]struct {
			outcome connector.Outcome
			values  []string
			texts   []string
		}{
			"right":      {connector.DeadLettered, []string{"x", "x"}, nil},
			"any order":  {connector.Delivered, []string{"7", "5"}, nil},
			"none":       {connector.Filtered, nil, nil},
			"unwanted":   {connector.Delivered, []string{"7"}, []string{"outcome delivered", "5 (memory:1) is delivered, which is not wanted"}},
			"otherwise":  {connector.Filtered, []string{"x"}, []string{"x (memory:2) is dead_lettered because of ", `parsing \"x\": invalid syntax`, "want filtered"}},
			"too often":  {connector.DeadLettered, []string{"x", "x", "x"}, []string{"x is wanted more often"}},
			"not at all": {connector.Delivered, []string{"5", "7", "8"}, []string{"8 is wanted, but the source did not hand it out"}},
		} {
			r := record(t, func(t testing.TB) { source.Want(t, c.outcome, c.values...) })
			if t.Log(name); len(c.texts) == 0 {
				r.wantPass()
			} else {
				r.wantError(c.texts...)
			}
		}
	})
}

func TestWantOfWhatIsNotSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := flowtest.Watch(memory.NewFeed(1))
		r := flowtest.Start(t, flow.New("slow", flow.From(source).ForEach(func(ctx context.Context, _ int) error {
			<-ctx.Done()
			return ctx.Err()
		})))
		r.Idle()
		record(t, func(t testing.TB) { source.Want(t, connector.Delivered, 1) }).wantError("1 (memory:1) is pending, not settled yet")
		r.Stop()
	})
}

func TestMessagesWithoutAnyNameAreTold(t *testing.T) {
	source := flowtest.Watch[int](connector.SourceFunc[int](func(context.Context) (connector.Reader[int], error) {
		return nameless{}, nil
	}))
	reader, err := source.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := reader.Read(t.Context(), 1); err != nil {
			t.Error(err)
		}
	}
	if got := source.Messages(); len(got) != 2 || got[0].Deliveries != 1 {
		t.Errorf("messages %+v", got)
	}
	// The optional methods of a reader that has none do nothing.
	if err := reader.(connector.Extender).Extend(t.Context(), nil); err != nil {
		t.Error(err)
	}
	reader.(connector.Finisher).Finish()
	reader.(connector.Revoker).OnRevoke(nil)
	if err := source.CheckHealth(t.Context()); err != nil {
		t.Error(err)
	}
}

type nameless struct{}

func (nameless) Read(context.Context, int) ([]connector.Message[int], error) {
	return []connector.Message[int]{{Value: 1}}, nil
}
func (nameless) Settle(context.Context, []connector.Settlement) error { return nil }
func (nameless) Close() error                                         { return nil }

// versatile has every optional method, and counts the calls.
type versatile struct {
	nameless

	calls *[]string
}

func (v versatile) Open(context.Context) (connector.Reader[int], error) { return v, nil }
func (v versatile) note(name string)                                    { *v.calls = append(*v.calls, name) }
func (v versatile) Finish()                                             { v.note("finish") }
func (v versatile) CheckHealth(context.Context) error                   { v.note("health"); return errDown }
func (v versatile) OnRevoke(func(context.Context, []string) error)      { v.note("revoke") }
func (v versatile) Extend(context.Context, []connector.Position) error {
	v.note("extend")
	return errDown
}

func TestWatchPassesOnWhatAReaderCan(t *testing.T) {
	var calls []string
	source := flowtest.Watch[int](versatile{calls: &calls})
	reader, err := source.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.(connector.Extender).Extend(t.Context(), nil); !errors.Is(err, errDown) {
		t.Errorf("Extend: %v", err)
	}
	reader.(connector.Finisher).Finish()
	reader.(connector.Revoker).OnRevoke(nil)
	if err := source.CheckHealth(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("CheckHealth: %v", err)
	}
	flowtest.Values(t, calls, "extend", "finish", "revoke", "health")
}

func TestWatchReportsThatTheSourceDoesNotOpen(t *testing.T) {
	inner := memory.NewSource(1)
	inner.ScriptOpen(memory.Fail(errDown))
	if _, err := flowtest.Watch(inner).Open(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("error %v", err)
	}
}

func TestWatchedConforms(t *testing.T) {
	conntest.TestSource(t, conntest.SourceHarness[int]{
		New: func(_ testing.TB, values []int) connector.Source[int] {
			return flowtest.Watch(memory.NewSource(values...))
		},
		Value:   func(i int) int { return i },
		Virtual: true,
	})
}

func TestValues(t *testing.T) {
	many := make([]string, 12)
	for i := range many {
		many[i] = strconv.Itoa(i)
	}
	for name, c := range map[string]struct {
		got, want []string
		texts     []string
	}{
		"nothing":   {nil, nil, nil},
		"same":      {[]string{"a"}, []string{"a"}, nil},
		"other":     {[]string{"a", "b"}, []string{"a", "c"}, []string{"got 2 value(s), want 2:\n\t[1] b, want c"}},
		"missing":   {nil, []string{"a"}, []string{"[0] a is missing"}},
		"unwanted":  {[]string{"a", "b"}, []string{"a"}, []string{"[1] b is not wanted"}},
		"too many":  {many, nil, []string{"[9] 9 is not wanted\n\tand 2 more"}},
		"the bound": {many[:11], nil, []string{"and 1 more"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := record(t, func(t testing.TB) { flowtest.Values(t, c.got, c.want...) })
			if len(c.texts) == 0 {
				r.wantPass()
			} else {
				r.wantError(c.texts...)
			}
		})
	}
}
