package main

import (
	"fmt"
	"math"
	"strings"
)

// mostPoints is how many points a line of the chart has at most, about.
const mostPoints = 720

// The chart is as wide as its points and its margins; each series has a panel.
const (
	chartWidth  = 800
	marginLeft  = 70
	panelHeight = 90
	panelGap    = 42
	marginTop   = 30
)

const chartStyle = `<style>
.back{fill:#ffffff}.frame{fill:none;stroke:#8b949e;stroke-width:.5}.line{fill:none;stroke:#0969da;stroke-width:1.2}
.median{stroke:#cf222e;stroke-width:1.5;stroke-dasharray:5 3}text{font:12px sans-serif;fill:#1f2328}.name{font-weight:bold}
@media (prefers-color-scheme:dark){.back{fill:#0d1117}.line{stroke:#58a6ff}.median{stroke:#ff7b72}text{fill:#e6edf3}}
</style>`

// chart draws the samples as SVG: a panel for each series, all from zero, with the medians
// that were compared.
func chart(samples []sample) string {
	list := append(watched[:len(watched):len(watched)], rate)
	height := marginTop + len(list)*(panelHeight+panelGap)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img">`, chartWidth, height)
	b.WriteString("<title>What the soak takes over time</title>" + chartStyle)
	fmt.Fprintf(&b, `<rect class="back" width="%d" height="%d"/>`, chartWidth, height)
	for i, s := range list {
		panel{s, samples, marginTop + i*(panelHeight+panelGap), i < len(watched)}.draw(&b)
	}
	b.WriteString("</svg>\n")

	return b.String()
}

// panel is the part of the chart for one series, with its upper edge at top.
type panel struct {
	series

	samples []sample
	top     int
	judged  bool
}

func (p panel) draw(b *strings.Builder) {
	most := p.most()
	fmt.Fprintf(b, `<text class="name" x="%d" y="%d">%s</text>`, marginLeft, p.top-6, p.name)
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end">%s</text>`, marginLeft-6, p.top+10, p.show(most))
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end">0</text>`, marginLeft-6, p.top+panelHeight)
	fmt.Fprintf(b, `<rect class="frame" x="%d" y="%d" width="%d" height="%d"/>`, marginLeft, p.top, mostPoints, panelHeight)
	end := p.samples[len(p.samples)-1].At
	for quarter := range 5 {
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`,
			marginLeft+quarter*mostPoints/4, p.top+panelHeight+14, clock(end*float64(quarter)/4))
	}
	b.WriteString(`<polyline class="line" points="`)
	for _, s := range p.samples {
		fmt.Fprintf(b, "%.0f,%.0f ", marginLeft+s.At/end*mostPoints, p.height(p.of(s), most))
	}
	b.WriteString(`"/>`)
	if n := len(p.samples); p.judged && n >= leastSamples {
		p.drawMedian(b, n/4, n/2, most)
		p.drawMedian(b, n-n/4, n, most)
	}
	b.WriteString("\n")
}

// drawMedian draws the median of a part of the samples over the time of that part.
func (p panel) drawMedian(b *strings.Builder, from, to int, most float64) {
	value, n := median(p.samples[from:to], p.of), len(p.samples)
	y := p.height(value, most)
	fmt.Fprintf(b, `<line class="median" x1="%d" y1="%.0f" x2="%d" y2="%.0f"><title>median %s</title></line>`,
		marginLeft+from*mostPoints/n, y, marginLeft+to*mostPoints/n, y, p.show(value))
}

// height is where a value stands.
func (p panel) height(value, most float64) float64 {
	return float64(p.top) + panelHeight*(1-value/most)
}

// most is the upper end of the scale: the largest value and a tenth.
func (p panel) most() float64 {
	most := 0.0
	for _, s := range p.samples {
		most = math.Max(most, p.of(s))
	}
	if most == 0 {
		return 1
	}

	return 1.1 * most
}

// clock gives seconds as minutes and seconds.
func clock(seconds float64) string {
	return fmt.Sprintf("%d:%02d", int(seconds)/60, int(seconds)%60)
}
