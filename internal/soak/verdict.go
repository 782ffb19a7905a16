package main

import (
	"fmt"
	"slices"
)

// series is one quantity over time. A growth by more than part of what there was, and by
// more than the absolute amount more besides, is growth.
type series struct {
	name, unit string
	of         func(sample) float64
	// scale is what one unit is.
	scale      float64
	part, more float64
}

// show gives a value in its unit.
func (s series) show(value float64) string {
	if s.scale == 1 {
		return fmt.Sprintf("%.0f%s", value, s.unit)
	}

	return fmt.Sprintf("%.1f%s", value/s.scale, s.unit)
}

// mib is what sizes are shown in.
const mib = 1 << 20

// watched are the quantities that may not grow. The tolerances are for what differs from
// one moment to the next: which rounds are at which stage.
var watched = []series{
	{"live heap", " MiB", func(s sample) float64 { return s.Heap }, mib, 0.10, 1 * mib},
	{"resident memory", " MiB", func(s sample) float64 { return s.Resident }, mib, 0.10, 4 * mib},
	{"goroutines", "", func(s sample) float64 { return s.Goroutines }, 1, 0.05, 3},
	{"open files", "", func(s sample) float64 { return s.Files }, 1, 0.05, 2},
	{"files on disk", " MiB", func(s sample) float64 { return s.Disk }, mib, 0.15, 4 * mib},
}

// rate is shown and not judged: it goes by what else the machine does.
var rate = series{"messages a second", "", func(s sample) float64 { return s.Rate }, 1, 0, 0}

// trend is the medians of the second and of the last quarter of a series.
type trend struct {
	series

	early, late float64
}

// limit is what the late median may be.
func (t trend) limit() float64 { return t.early*(1+t.part) + t.more }

func (t trend) grows() bool { return t.late > t.limit() }

func (t trend) verdict() string {
	if t.grows() {
		return "grows"
	}

	return "flat"
}

// String says what was found.
func (t trend) String() string {
	return fmt.Sprintf("%s: %s, then %s (at most %s): %s",
		t.name, t.show(t.early), t.show(t.late), t.show(t.limit()), t.verdict())
}

// leastSamples is how many samples a verdict needs.
const leastSamples = 8

// trends compares the second quarter with the last. The first does not count: it is the
// time in which pools and files reach their size.
func trends(samples []sample) ([]trend, error) {
	n := len(samples)
	if n < leastSamples {
		return nil, fmt.Errorf("%d samples are too few for a verdict, which needs %d: let it run longer", n, leastSamples)
	}
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
