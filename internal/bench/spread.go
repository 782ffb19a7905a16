package main

import (
	"fmt"
	"math"
	"slices"
)

// spread is a median with the least and the most of what it is made of.
type spread struct{ median, low, high float64 }

// spreadOf of no values is not a number.
func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{math.NaN(), math.NaN(), math.NaN()}
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	median := sorted[middle]
	if len(sorted)%2 == 0 {
		median = (sorted[middle-1] + sorted[middle]) / 2
	}

	return spread{median, sorted[0], sorted[len(sorted)-1]}
}

func (s spread) String() string {
	if s.low == s.high {
		return figure(s.median)
	}

	return fmt.Sprintf("%s (%s to %s)", figure(s.median), figure(s.low), figure(s.high))
}

// figure prints a number with about three digits that count.
func figure(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v):
		return "–"
	case a >= 100:
		return thousands(int64(math.Round(v)))
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 0.01:
		return fmt.Sprintf("%.2f", v)
	case a < 0.0005:
		return "0"
	default:
		return fmt.Sprintf("%.3f", v)
	}
}

// plainly prints a number that a person has chosen: a limit, a size.
func plainly(v float64) string {
	if v == math.Trunc(v) {
		return thousands(int64(v))
	}

	return fmt.Sprint(v)
}

func thousands(n int64) string {
	if n < 0 {
		return "-" + thousands(-n)
	}
	if n < 1000 {
		return fmt.Sprint(n)
	}

	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// each gives one quantity of a contestant in each round.
func (r result) each(name string, of func(sample) float64) []float64 {
	values := make([]float64, 0, len(r.samples[name]))
	for _, s := range r.samples[name] {
		values = append(values, of(s))
	}

	return values
}

func (r result) of(name string, of func(sample) float64) spread {
	return spreadOf(r.each(name, of))
}

// ratio divides, round by round, a quantity of one contestant by that of another.
func (r result) ratio(name, by string, of func(sample) float64) spread {
	upper, lower := r.each(name, of), r.each(by, of)
	ratios := make([]float64, min(len(upper), len(lower)))
	for i := range ratios {
		ratios[i] = upper[i] / lower[i]
	}

	return spreadOf(ratios)
}

func wall(s sample) float64   { return s.Nanos }
func cpu(s sample) float64    { return s.CPU }
func bytes(s sample) float64  { return s.Bytes }
func allocs(s sample) float64 { return s.Allocs }

func figureOf(name string) func(sample) float64 {
	return func(s sample) float64 {
		if v, ok := s.figures[name]; ok {
			return v
		}

		return math.NaN()
	}
}
