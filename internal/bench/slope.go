package main

import (
	"fmt"
	"math"
)

// line is y = start + slope·x.
type line struct{ start, slope float64 }

// fitted is the line with the least relative squares through the points: each point counts
// alike, although the last is a thousand times the first.
func fitted(points []point) line {
	var w, wx, wy, wxx, wxy float64
	for _, p := range points {
		weight := 1 / (p.y.median * p.y.median)
		w += weight
		wx += weight * p.x
		wy += weight * p.y.median
		wxx += weight * p.x * p.x
		wxy += weight * p.x * p.y.median
	}
	d := w*wxx - wx*wx
	if d == 0 {
		return line{start: wy / w}
	}
	slope := (w*wxy - wx*wy) / d

	return line{start: (wy - slope*wx) / w, slope: slope}
}

// power is the exponent of x with which y grows, by the least squares of the logarithms.
func power(points []point) float64 {
	var n, sx, sy, sxx, sxy float64
	for _, p := range points {
		x, y := math.Log(p.x), math.Log(p.y.median)
		n++
		sx += x
		sy += y
		sxx += x * x
		sxy += x * y
	}
	d := n*sxx - sx*sx
	if d == 0 {
		return 0
	}

	return (n*sxy - sx*sy) / d
}

// slope says in words how the curve grows.
func (t trace) slope() string {
	first, last := t.points[0], t.points[len(t.points)-1]
	l := fitted(t.points)

	return fmt.Sprintf("from %s at %s to %s at %s; as x^%.2f over the range; the line nearest to it is %s %s %s·x",
		figure(first.y.median), plainly(first.x), figure(last.y.median), plainly(last.x),
		power(t.points), small(l.start), sign(l.slope), small(math.Abs(l.slope)))
}

func sign(v float64) string {
	if v < 0 {
		return "−"
	}

	return "+"
}

// small prints a number that may be far below one.
func small(v float64) string {
	if a := math.Abs(v); a > 1e-12 && a < 0.01 {
		return fmt.Sprintf("%.2g", v)
	}

	return figure(v)
}
