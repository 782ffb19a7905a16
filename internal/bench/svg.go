package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// The background is drawn, so that a chart reads the same on a white page and on a dark one.
const svgStyle = `<style>.back{fill:#ffffff}.grid{stroke:#d0d7de;stroke-width:.6}.ours{fill:#0969da}.other{fill:#8b949e}` +
	`.span{stroke:#1f2328;stroke-width:1}.floor{stroke:#cf222e;stroke-width:2}.line{fill:none;stroke:#0969da;stroke-width:1.6}` +
	`.dot{fill:#0969da}text{font:12px sans-serif;fill:#1f2328}.name{font-weight:bold}.end{text-anchor:end}.mid{text-anchor:middle}</style>`

// svg is a drawing under way.
type svg struct{ out strings.Builder }

func newSVG(width, height int, title string) *svg {
	s := &svg{}
	fmt.Fprintf(&s.out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img"><title>%s</title>%s`,
		width, height, html.EscapeString(title), svgStyle)
	fmt.Fprintf(&s.out, `<rect class="back" width="%d" height="%d"/>`+"\n", width, height)

	return s
}

func (s *svg) text(x, y float64, class, text string) {
	fmt.Fprintf(&s.out, `<text x="%.0f" y="%.0f" class="%s">%s</text>`, x, y, class, html.EscapeString(text))
}

func (s *svg) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(&s.out, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>`, x1, y1, x2, y2, class)
}

func (s *svg) bar(x1, x2, y, height float64, class string) {
	fmt.Fprintf(&s.out, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" class="%s"/>`, min(x1, x2), y, max(math.Abs(x2-x1), 0.5), height, class)
}

func (s *svg) dot(x, y float64) {
	fmt.Fprintf(&s.out, `<circle cx="%.1f" cy="%.1f" r="3" class="dot"/>`, x, y)
}

func (s *svg) close() string { return s.out.String() + "</svg>\n" }

// scale maps values to places, by their logarithm.
type scale struct{ low, high, from, to float64 }

// newScale covers the values with whole powers of ten.
func newScale(values []float64, from, to float64) scale {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if v > 0 && !math.IsInf(v, 0) {
			low, high = min(low, v), max(high, v)
		}
	}
	if low > high {
		low, high = 1, 10
	}
	low, high = math.Floor(math.Log10(low)+1e-9), math.Ceil(math.Log10(high)-1e-9)
	if low == high {
		high++
	}

	return scale{low, high, from, to}
}

func (s scale) at(v float64) float64 {
	p := (math.Log10(max(v, 1e-12)) - s.low) / (s.high - s.low)

	return s.from + min(max(p, 0), 1)*(s.to-s.from)
}

// ticks are the powers of ten on the scale.
func (s scale) ticks() []float64 {
	var list []float64
	for e := s.low; e <= s.high; e++ {
		list = append(list, math.Pow(10, e))
	}

	return list
}
