package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// twoRows has one row that promises something about allocations, and one that does not.
func twoRows(log *[]string) family {
	note := func(name string) contestant {
		return does(name, func(n int) (int, error) { *log = append(*log, name); return n, nil })
	}

	return family{
		name: "some", title: "Some rows",
		rows: []row{
			{
				name: "frugal", ours: note("ours"), baseline: note("base"),
				floors: []floor{atMostTimes(1000, "ours", "base"), atMostAllocs(4, "ours", "message")},
			},
			{name: "quick", ours: note("fast"), floors: []floor{atMostNanos(1, "fast", "message")}},
		},
		gauges: []gauge{{name: "size", unit: "MB", limit: 1, read: func(plan) ([]float64, error) {
			*log = append(*log, "size")

			return []float64{2}, nil
		}}},
		curves: []curve{{name: "growth", at: []int{1, 2}, measure: func(_ plan, x int) ([]float64, error) {
			*log = append(*log, "growth")

			return []float64{float64(x)}, nil
		}}},
	}
}

func TestWorkMeasuresWhatWasAskedFor(t *testing.T) {
	for name, c := range map[string]struct {
		only   string
		allocs bool
		want   []string
		missed []string
	}{
		"everything":        {"", false, []string{"ours", "base", "base", "fast", "size", "growth", "growth"}, []string{"quick", "size"}},
		"a row":             {"^some/frugal$", false, []string{"ours", "base", "base"}, nil},
		"a gauge":           {"size", false, []string{"size"}, []string{"size"}},
		"a curve":           {"growth", false, []string{"growth", "growth"}, nil},
		"allocations alone": {"", true, []string{"ours"}, nil},
		"nothing":           {"none", false, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var log []string
			var out strings.Builder
			w := work{plan: plan{rounds: 1, few: 1, dir: t.TempDir()}, only: regexp.MustCompile(c.only), allocs: c.allocs, log: &out}
			rep, err := w.measure([]family{twoRows(&log)})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(log, c.want) {
				t.Errorf("measured %v, want %v", log, c.want)
			}
			problems := ""
			if err := rep.missed(); err != nil {
				problems = err.Error()
			}
			for _, m := range c.missed {
				if !strings.Contains(problems, "missed: some/"+m) {
					t.Errorf("%s is not among what was missed: %q", m, problems)
				}
			}
			if c.missed == nil && problems != "" {
				t.Errorf("missed: %s", problems)
			}
		})
	}
}

func TestPlanOfOptions(t *testing.T) {
	o := options{rounds: 9, length: time.Second}
	if p := o.plan(); p.rounds != 9 || p.length != time.Second || p.few != 0 {
		t.Errorf("by default: %+v", p)
	}
	o.quick = true
	if p := o.plan(); p.rounds != 3 || p.length >= time.Second {
		t.Errorf("quick: %+v", p)
	}
	o.allocs = true
	if p := o.plan(); p.rounds != 1 || p.few == 0 {
		t.Errorf("allocations alone: %+v", p)
	}
}
