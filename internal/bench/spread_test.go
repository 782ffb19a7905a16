package main

import (
	"math"
	"testing"
)

func TestSpread(t *testing.T) {
	for name, c := range map[string]struct {
		values []float64
		want   spread
	}{
		"odd":        {[]float64{3, 1, 2}, spread{2, 1, 3}},
		"even":       {[]float64{4, 1, 3, 2}, spread{2.5, 1, 4}},
		"one":        {[]float64{7}, spread{7, 7, 7}},
		"an outlier": {[]float64{1, 1, 1, 1, 100}, spread{1, 1, 100}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := spreadOf(c.values); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	if got := spreadOf(nil); !math.IsNaN(got.median) {
		t.Errorf("no values give %v", got)
	}
}

func TestSpreadLeavesItsValuesInOrder(t *testing.T) {
	values := []float64{3, 1, 2}
	spreadOf(values)
	if values[0] != 3 {
		t.Errorf("the values were sorted in place: %v", values)
	}
}

func TestFigure(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.0001: "0", 0.004: "0.004", 0.05: "0.05", 1.604: "1.60", 41.25: "41.2", 999.6: "1,000", 1_234_567: "1,234,567", -1500: "-1,500",
	} {
		if got := figure(v); got != want {
			t.Errorf("figure(%v) is %q, want %q", v, got, want)
		}
	}
}

// made is a result of three rounds in which ours takes 2, 4 and 9 ns, the other 1, 2 and 3.
func made(r row) result {
	res := result{row: r, samples: map[string][]sample{}}
	for _, ns := range [][2]float64{{2, 1}, {4, 2}, {9, 3}} {
		res.samples["ours"] = append(res.samples["ours"], sample{N: 10, Nanos: ns[0], CPU: ns[0] / 2, Allocs: 1, Bytes: 64})
		res.samples["other"] = append(res.samples["other"], sample{N: 20, Nanos: ns[1], CPU: 2})
		res.samples[control] = append(res.samples[control], sample{N: 20, Nanos: ns[1], CPU: 2})
	}

	return res
}

func TestRatiosAreMadeRoundByRound(t *testing.T) {
	if got, want := made(row{}).ratio("ours", "other", wall), (spread{2, 2, 3}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := made(row{}).ratio("ours", "nobody", wall); !math.IsNaN(got.median) {
		t.Errorf("a ratio to nobody is %v", got)
	}
}

func TestFloors(t *testing.T) {
	for name, c := range map[string]struct {
		floor floor
		byCPU bool
		holds bool
	}{
		"times, at the limit":       {atMostTimes(2, "ours", "other"), false, true},
		"times, over it":            {atMostTimes(1.99, "ours", "other"), false, false},
		"times, by CPU":             {atMostTimes(1, "ours", "other"), true, true},
		"faster, at the limit":      {timesFaster(2, "other", "ours"), false, true},
		"faster, below it":          {timesFaster(2.01, "other", "ours"), false, false},
		"of the rate, slower":       {ofTheRate(0.9, "ours", "other"), false, false},
		"of the rate, fast enough":  {ofTheRate(0.5, "ours", "other"), false, true},
		"nanoseconds, at the limit": {atMostNanos(4, "ours", "message"), false, true},
		"nanoseconds, over it":      {atMostNanos(3.9, "ours", "message"), false, false},
		"allocations, at the limit": {atMostAllocs(1, "ours", "message"), false, true},
		"allocations, over none":    {atMostAllocs(0, "ours", "message"), false, false},
		"no allocation":             {atMostAllocs(0, "other", "message"), false, true},
		"about nobody":              {atMostNanos(4, "nobody", "message"), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			v := made(row{byCPU: c.byCPU, floors: []floor{c.floor}}).verdicts()[0]
			if v.holds != c.holds {
				t.Errorf("%s, measured %v: holds %v, want %v", v.text, v.measured, v.holds, c.holds)
			}
		})
	}
}
