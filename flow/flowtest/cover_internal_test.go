package flowtest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

// suite stands for the tests of a package.
type suite func() int

func (s suite) Run() int { return s() }

func even(n int) bool { return n%2 == 0 }

// shipping is a pipeline that has abilities of every kind. Values of 100 and more fail.
func shipping(values ...int) *flow.Pipeline {
	check := func(n int) error {
		if n >= 100 {
			return errors.New("too large")
		}

		return nil
	}
	large := func(f flow.Flow[int]) flow.End { return f.Batch(2, time.Minute).To(memory.NewSink[int]()).As("large") }
	small := func(f flow.Flow[int]) flow.End { return f.To(memory.NewSink[int]()).As("small") }

	return flow.New("shipping", flow.From(memory.NewSource(values...)).
		DeadLetter(memory.NewSink[connector.DeadLetter[int]]()).
		Validate(check).
		Filter(func(n int) bool { return n != 7 }).
		Map(flow.Pure(func(n int) int { return n })).
		Route().Case("large", func(n int) bool { return n > 50 }, large).Else(small))
}

// covering runs a suite of its own coverage and returns what it prints, and its status.
func covering(percent int, partly bool, test func(note func(*flow.Pipeline)) int) (string, int) {
	var c coverage
	var out strings.Builder
	status := cover(suite(func() int { return test(c.note) }), percent, &c, &out, partly)

	return out.String(), status
}

func ship(t *testing.T, note func(*flow.Pipeline), values ...int) {
	t.Helper()
	p := shipping(values...)
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	note(p)
}

func TestCoverReports(t *testing.T) {
	text, status := covering(100, false, func(note func(*flow.Pipeline)) int {
		ship(t, note, 1)
		ship(t, note, 60, 61) // the second test adds to the first

		return 0
	})
	want := `flowtest: the tests have exercised 12 of 18 (66%) of what the pipelines can do
shipping       12 of 18 (66%)
  dead-letter  never dead-lettered
  validate     never failed
  filter       never filtered
  large        never failed
  large        never option wait
  small        never failed
flowtest: want 100%: test what is listed, or ask for less
`
	if text != want || status != 1 {
		t.Errorf("status %d, got\n%s, want\n%s", status, text, want)
	}
}

func TestCoverStatus(t *testing.T) {
	for name, test := range map[string]struct {
		percent int
		partly  bool
		tests   int
		want    int
	}{
		"at the bound":      {percent: 66, want: 0},
		"below the bound":   {percent: 67, want: 1},
		"part of the tests": {percent: 100, partly: true, want: 0},
		"tests fail":        {percent: 0, tests: 2, want: 2},
	} {
		t.Run(name, func(t *testing.T) {
			_, status := covering(test.percent, test.partly, func(note func(*flow.Pipeline)) int {
				ship(t, note, 1, 60, 61)

				return test.tests
			})
			if status != test.want {
				t.Errorf("status %d, want %d", status, test.want)
			}
		})
	}
	text, status := covering(0, false, func(func(*flow.Pipeline)) int { return 0 })
	if status != 1 || !strings.Contains(text, "no pipeline was run") {
		t.Errorf("status %d of a suite without a pipeline: %s", status, text)
	}
}

// TestCoverAbilities: each ability is missing from a pipeline that only enters it, and
// there after an input that uses it.
func TestCoverAbilities(t *testing.T) {
	down := connector.Transient(errors.New("down"))
	sink := func(steps ...memory.Step) connector.Sink[int] {
		s := memory.NewSink[int]()
		s.Script(steps...)

		return s
	}
	end := func(f flow.Flow[int]) flow.End { return f.ForEach(func(context.Context, int) error { return nil }) }
	slow := func(_ context.Context, n int) (int, error) {
		if n == 2 {
			time.Sleep(time.Hour)
		}

		return n, nil
	}
	type part = func(flow.Flow[int]) flow.End
	for name, test := range map[string]struct {
		missing string
		without part
		with    part
	}{
		"filtered": {"filter never filtered", func(f flow.Flow[int]) flow.End { return end(f.Filter(func(int) bool { return true })) }, func(f flow.Flow[int]) flow.End { return end(f.Filter(even)) }},
		"passed":   {"filter never passed", func(f flow.Flow[int]) flow.End { return end(f.Filter(func(int) bool { return false })) }, func(f flow.Flow[int]) flow.End { return end(f.Filter(even)) }},
		"duplicate": {
			"once never duplicate",
			func(f flow.Flow[int]) flow.End { return end(f.OncePerMessage(memory.NewStore(), 0)) },
			func(f flow.Flow[int]) flow.End {
				return end(f.Once(memory.NewStore(), func(int) string { return "k" }, 0))
			},
		},
		"retried": {
			"retry never retried",
			func(f flow.Flow[int]) flow.End { return f.Retry(retry.Policy{}).To(sink()) },
			func(f flow.Flow[int]) flow.End { return f.Retry(retry.Policy{}).To(sink(memory.Fail(down))) },
		},
		"dropped": {
			"buffer never dropped",
			func(f flow.Flow[int]) flow.End { return end(f.Buffer(9, flow.DropNewest).Map(slow)) },
			func(f flow.Flow[int]) flow.End { return end(f.Buffer(1, flow.DropNewest).Map(slow)) },
		},
		"failed": {
			"to never failed",
			func(f flow.Flow[int]) flow.End { return f.To(sink()) },
			func(f flow.Flow[int]) flow.End { return f.To(sink(memory.Fail(connector.Permanent(down)))) },
		},
		"option": {
			"to never option wait",
			func(f flow.Flow[int]) flow.End { return f.Batch(9, time.Minute).To(sink()) },
			func(f flow.Flow[int]) flow.End {
				return f.Map(slow).Buffer(9, flow.Block).Batch(9, time.Minute).To(sink())
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				report := func(p part) string {
					text, _ := covering(0, false, func(note func(*flow.Pipeline)) int {
						pipeline := flow.New("p", p(flow.From(memory.NewSource(1, 2, 3, 4, 5)).DeadLetter(memory.NewSink[connector.DeadLetter[int]]())))
						if err := pipeline.Run(t.Context()); err != nil {
							t.Error(err)
						}
						note(pipeline)

						return 0
					})

					return strings.Join(strings.Fields(text), " ")
				}
				if got := report(test.without); !strings.Contains(got, test.missing) {
					t.Errorf("%q is not in %s", test.missing, got)
				}
				if got := report(test.with); strings.Contains(got, test.missing) {
					t.Errorf("%q is in %s", test.missing, got)
				}
			})
		})
	}
}

// TestRunsAreCovered: whichever way a test runs a pipeline, it counts.
func TestRunsAreCovered(t *testing.T) {
	covered.mu.Lock()
	covered.on = true
	covered.mu.Unlock()
	Test(t, func(t *testing.T) {
		build := func(name string, source connector.Source[int]) *flow.Pipeline {
			return flow.New(name, flow.From(source).To(memory.NewSink[int]()))
		}
		Run(t, build("covered by Run", memory.NewSource(1)))
		feed := memory.NewFeed(1)
		Start(t, build("covered by Start", feed)).Stop()
		broken := memory.NewSource(1)
		broken.ScriptOpen(memory.Fail(connector.Permanent(errors.New("gone"))))
		_ = RunFails(t, build("covered by RunFails", broken))
		Replay(t, `{"message":{"id":"memory:1","value":1},"branches":[{"name":"1","entries":[{"stage":"to"}],"outcome":"delivered"}]}`,
			func(s connector.Source[int]) *flow.Pipeline { return build("covered by Replay", s) })
	})
	Sim(t, func(w *World) *flow.Pipeline {
		return flow.New("covered by Sim", flow.From(w.Source("in", 1)).To(w.Sink[int]("out")))
	}, SimOptions{Schedules: 1})
	covered.mu.Lock()
	defer covered.mu.Unlock()
	covered.on = false
	for _, by := range []string{"Run", "Start", "RunFails", "Replay", "Sim"} {
		if stages := covered.stages["covered by "+by]; len(stages) != 2 {
			t.Errorf("%s is not covered: %v", by, stages)
		}
	}
}
