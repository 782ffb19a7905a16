package main

import (
	"math"
	"strings"
	"testing"
)

func TestFitted(t *testing.T) {
	l := fitted(straight(2, 3))
	if math.Abs(l.start-2) > 1e-6 || math.Abs(l.slope-3) > 1e-9 {
		t.Errorf("the line through 2 + 3·x is %v + %v·x", l.start, l.slope)
	}
	if flat := fitted(straight(5, 0)[:1]); flat.slope != 0 || flat.start != 5 {
		t.Errorf("the line through one point is %v", flat)
	}
}

func TestPower(t *testing.T) {
	for want, slope := range map[float64]float64{0: 0, 1: 7} {
		points := straight(0, slope)
		if slope == 0 {
			points = straight(4, 0)
		}
		if got := power(points); math.Abs(got-want) > 1e-9 {
			t.Errorf("slope %v grows as x^%v, want %v", slope, got, want)
		}
	}
}

func TestSlopeInWords(t *testing.T) {
	text := trace{points: straight(2, 3)}.slope()
	for _, part := range []string{"from 5.00 at 1 to 3,002 at 1,000", "2.00 + 3.00·x"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q lacks %q", text, part)
		}
	}
}

func TestScale(t *testing.T) {
	s := newScale([]float64{3, 250}, 100, 400)
	if got := s.ticks(); len(got) != 4 || math.Abs(got[0]-1) > 1e-9 || math.Abs(got[3]-1000) > 1e-9 {
		t.Errorf("ticks: %v", got)
	}
	for v, want := range map[float64]float64{1: 100, 10: 200, 1000: 400, 0: 100, 1e9: 400} {
		if got := s.at(v); math.Abs(got-want) > 1e-6 {
			t.Errorf("%v stands at %v, want %v", v, got, want)
		}
	}
}
