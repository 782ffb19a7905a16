package main

import (
	"fmt"
	"regexp"
)

// gauge is a quantity that is read rather than raced: a size, a number of modules.
type gauge struct {
	name, note, unit string
	// read gives one or more readings of it.
	read  func(p plan) ([]float64, error)
	limit float64
}

// reading is a gauge that was read.
type reading struct {
	gauge gauge
	value spread
}

func (g gauge) take(p plan) (reading, error) {
	values, err := g.read(p)
	if err != nil {
		return reading{}, fmt.Errorf("%s: %w", g.name, err)
	}

	return reading{g, spreadOf(values)}, nil
}

func (r reading) verdicts() []verdict {
	if r.gauge.limit == 0 {
		return nil
	}
	text := fmt.Sprintf("at most %s %s", plainly(r.gauge.limit), r.gauge.unit)

	return []verdict{{r.gauge.name, text, r.value, r.value.median <= r.gauge.limit}}
}

// curve shows how a cost grows.
type curve struct {
	name, note string
	// x and y name the axes, with units.
	x, y string
	at   []int
	// measure gives one or more values of y at a point of x.
	measure func(p plan, x int) ([]float64, error)
}

// point is a curve at one x.
type point struct {
	x float64
	y spread
}

// trace is a curve that was measured.
type trace struct {
	curve  curve
	points []point
}

func (c curve) take(p plan) (trace, error) {
	t := trace{curve: c}
	for _, x := range c.at {
		values, err := c.measure(p, x)
		if err != nil {
			return trace{}, fmt.Errorf("%s: at %d: %w", c.name, x, err)
		}
		t.points = append(t.points, point{float64(x), spreadOf(values)})
	}

	return t, nil
}

// matches reports whether the user asked for a thing of a family.
func matches(only *regexp.Regexp, family, name string) bool {
	return only.MatchString(family + "/" + name)
}
