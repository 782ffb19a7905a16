package main

import (
	"fmt"
	"slices"
)

// series is one quantity over time, and how much of it may come without being growth: a
// part of what there was, and an absolute amount.
type series struct {
	name, unit string
	of         func(sample) float64
	scale      float64
	part, more float64
}

// mib is what sizes are shown in.
const mib = 1 << 20

var watched = []series{
	{"heap after collection", "MiB", func(s sample) float64 { return s.Heap }, mib, 0.10, 1 * mib},
	{"resident memory", "MiB", func(s sample) float64 { return s.Resident }, mib, 0.15, 4 * mib},
	{"goroutines", "", func(s sample) float64 { return s.Goroutines }, 1, 0.05, 3},
	{"open files", "", func(s sample) float64 { return s.Files }, 1, 0.05, 2},
	{"disk", "MiB", func(s sample) float64 { return s.Disk }, mib, 0.15, 4 * mib},
}

// trend is the medians of the second and of the last quarter of a series.
type trend struct {
	series

	early, late float64
}

// limit is what the late median may be.
func (t trend) limit() float64 { return t.early*(1+t.part) + t.more }

func (t trend) grows() bool { return t.late > t.limit() }

// String says what was found.
func (t trend) String() string {
	verdict := "flat"
	if t.grows() {
		verdict = "grows"
	}

	return fmt.Sprintf("%s: %.1f, then %.1f %s (at most %.1f): %s",
		t.name, t.early/t.scale, t.late/t.scale, t.unit, t.limit()/t.scale, verdict)
}

// leastSamples is how many samples a verdict needs.
const leastSamples = 8

// trends compares the second quarter with the last: the first is the time in which pools
// and files reach their size.
func trends(samples []sample) ([]trend, error) {
	if len(samples) < leastSamples {
		return nil, fmt.Errorf("%d samples are too few for a verdict, which needs %d", len(samples), leastSamples)
	}
	n := len(samples)
	list := make([]trend, 0, len(watched))
	for _, w := range watched {
		list = append(list, trend{w, median(samples[n/4:n/2], w.of), median(samples[n-n/4:], w.of)})
	}

	return list, nil
}

func median(samples []sample, of func(sample) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	n := len(values)

	return (values[(n-1)/2] + values[n/2]) / 2
}
