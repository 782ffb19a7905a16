package main

import "fmt"

const (
	chartWidth = 860
	labelWidth = 300
	barHeight  = 14
	rowGap     = 34
	chartRight = chartWidth - 90
	plotHeight = 160
	plotStep   = plotHeight + 86
)

// chart draws a family: bars for its rows, a plot for each curve. Empty where there is
// nothing to draw.
func (f found) chart() string {
	switch {
	case len(f.results) > 0:
		return f.bars()
	case len(f.traces) > 0:
		return f.plots()
	default:
		return ""
	}
}

// bars shows the time of every contestant, with the least and the most of its rounds.
func (f found) bars() string {
	height, values := 70, []float64{}
	for _, r := range f.results {
		for _, name := range r.names() {
			s := r.of(name, r.row.time)
			values = append(values, s.low, s.high)
			height += barHeight + 4
		}
		for _, f := range r.row.floors {
			if f.mark != nil {
				values = append(values, f.mark(r))
			}
		}
		height += rowGap
	}
	s := newSVG(chartWidth, height, f.family.title+": median, least and most of the rounds")
	x := newScale(values, labelWidth, chartRight)
	for _, t := range x.ticks() {
		s.line(x.at(t), 40, x.at(t), float64(height-24), "grid")
		s.text(x.at(t), float64(height-8), "mid", clock(t))
	}
	s.text(8, 16, "start", "blue: millrace; line: least to most of the rounds; red: where a floor ends; powers of ten")
	y := 44.0
	for _, r := range f.results {
		s.text(8, y+12, "name", r.row.name+": "+r.row.timeName()+" per "+r.row.unitName())
		y += 20
		for _, name := range r.names() {
			r.bar(s, x, name, y)
			y += barHeight + 4
		}
		y += rowGap - 20
	}

	return s.close()
}

func (r result) bar(s *svg, x scale, name string, y float64) {
	of, class, label := r.of(name, r.row.time), "other", name
	if name == r.row.ours.name {
		class = "ours"
	}
	if name == control {
		label = r.reference() + " again"
	}
	middle := y + barHeight/2
	s.text(labelWidth-8, y+11, "end", label)
	s.bar(x.from, x.at(of.median), y, barHeight, class)
	s.line(x.at(of.low), middle, x.at(of.high), middle, "span")
	s.text(max(x.at(of.median), x.at(of.high))+6, y+11, "start", clock(of.median))
	if name == r.row.ours.name {
		r.drawFloors(s, x, y)
	}
	s.out.WriteString("\n")
}

// drawFloors marks in the bar of ours where the floors end.
func (r result) drawFloors(s *svg, x scale, y float64) {
	for _, f := range r.row.floors {
		if f.mark != nil {
			at := x.at(f.mark(r))
			s.line(at, y-2, at, y+barHeight+2, "floor")
		}
	}
}

// clock gives nanoseconds in the unit that reads best.
func clock(ns float64) string {
	switch {
	case ns >= 1e6:
		return figure(ns/1e6) + " ms"
	case ns >= 1e3:
		return figure(ns/1e3) + " µs"
	default:
		return figure(ns) + " ns"
	}
}

// plots shows each curve on scales of powers of ten.
func (f found) plots() string {
	s := newSVG(chartWidth, 20+plotStep*len(f.traces), f.family.title)
	for i, t := range f.traces {
		t.plot(s, float64(40+i*plotStep))
	}

	return s.close()
}

func (t trace) plot(s *svg, top float64) {
	var xs, ys []float64
	for _, p := range t.points {
		xs, ys = append(xs, p.x), append(ys, p.y.low, p.y.high)
	}
	bottom := top + plotHeight
	x, y := newScale(xs, 90, chartRight), newScale(ys, bottom, top)
	s.text(90, top-12, "name", t.curve.name+": "+t.curve.y+", by "+t.curve.x)
	for _, v := range x.ticks() {
		s.line(x.at(v), top, x.at(v), bottom, "grid")
		s.text(x.at(v), bottom+16, "mid", plainly(v))
	}
	for _, v := range y.ticks() {
		s.line(90, y.at(v), chartRight, y.at(v), "grid")
		s.text(84, y.at(v)+4, "end", plainly(v))
	}
	s.out.WriteString(`<polyline class="line" points="`)
	for _, p := range t.points {
		fmt.Fprintf(&s.out, "%.1f,%.1f ", x.at(p.x), y.at(p.y.median))
	}
	s.out.WriteString(`"/>`)
	for _, p := range t.points {
		s.line(x.at(p.x), y.at(p.y.low), x.at(p.x), y.at(p.y.high), "span")
		s.dot(x.at(p.x), y.at(p.y.median))
	}
	s.text(90, bottom+34, "start", fmt.Sprintf("grows as x^%.2f", power(t.points)))
	s.out.WriteString("\n")
}
