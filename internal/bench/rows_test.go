package main

import (
	"testing"
)

// few is how many messages a row has in the tests: enough to see that it works.
const few = 128

// TestRows runs every contestant of every row on a few messages, which must all arrive.
func TestRows(t *testing.T) {
	for _, f := range families(false) {
		for _, r := range f.rows {
			for _, c := range r.contestants() {
				t.Run(f.name+"/"+r.name+"/"+c.name, func(t *testing.T) { runFew(t, r, c) })
			}
		}
	}
}

func runFew(t *testing.T, r row, c contestant) {
	t.Helper()
	p := plan{few: few}
	n, err := p.calibrate(r, c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := take(c, t.TempDir(), n, r.wanted(n)); err != nil {
		t.Error(err)
	}
}

// TestFloorsNameContestants runs a round of every row of ours, so that a floor about a
// contestant that is not there would be seen.
func TestFloorsNameContestants(t *testing.T) {
	for _, f := range families(false) {
		for _, r := range f.rows {
			made := result{row: r, samples: map[string][]sample{}}
			for _, c := range r.contestants() {
				made.samples[c.name] = []sample{{N: 1, Nanos: 1, CPU: 1, figures: map[string]float64{p99: 1}}}
			}
			for _, v := range made.verdicts() {
				if v.measured != v.measured {
					t.Errorf("%s/%s: %s is about nobody", f.name, r.name, v.text)
				}
			}
		}
	}
}

// TestCurves measures the first point of every curve.
func TestCurves(t *testing.T) {
	for _, f := range families(false) {
		for _, c := range f.curves {
			t.Run(c.name, func(t *testing.T) {
				values, err := c.measure(plan{rounds: 1, few: few, dir: t.TempDir()}, c.at[0])
				if err != nil || len(values) == 0 {
					t.Errorf("%v, %v", values, err)
				}
			})
		}
	}
}

// BenchmarkRows runs ours of every row, for make bench-compare.
func BenchmarkRows(b *testing.B) {
	for _, f := range families(false) {
		for _, r := range f.rows {
			b.Run(f.name+"/"+r.name, func(b *testing.B) { benchmarkOurs(b, r) })
		}
	}
}

func benchmarkOurs(b *testing.B, r row) {
	d := &desk{parent: b.TempDir()}
	n := r.round(b.N)
	work, err := r.ours.ready(d, n)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	arrived, err := work()
	b.StopTimer()
	if err == nil && d.count != nil {
		arrived, err = d.count()
	}
	if err != nil || arrived != r.wanted(n) {
		b.Errorf("%d of %d arrived: %v", arrived, r.wanted(n), err)
	}
	if err := d.clear(); err != nil {
		b.Error(err)
	}
}
