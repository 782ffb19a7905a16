package main

import (
	"fmt"
	"strings"
)

// page is the report as Markdown.
func (r report) page() string {
	var b strings.Builder
	c := r.conditions
	b.WriteString("# Bench\n\nWritten by `make bench`; [doc.go](doc.go) says how it measures.\n\n")
	fmt.Fprintf(&b, "- Command: `%s`, %s\n", c.Command, c.Started.Format("2006-01-02 15:04 MST"))
	fmt.Fprintf(&b, "- Machine: %s, %d CPUs; %s; commit %s\n", c.System, c.CPUs, c.Go, c.Commit)
	if c.Load != "" {
		fmt.Fprintf(&b, "- Load average of the machine before the start: %s\n", c.Load)
	}
	fmt.Fprintf(&b, "- Figures are medians of %d rounds, with the least and the most in parentheses. "+
		"Ratios are made round by round. A/A is the baseline divided by itself: what the machine adds.\n\n", c.Rounds)
	r.summary(&b)
	for _, f := range r.families {
		f.section(&b)
	}

	return b.String()
}

// summary lists every floor.
func (r report) summary(b *strings.Builder) {
	b.WriteString("## Floors\n\n| family | row | floor | measured | |\n|---|---|---|---|---|\n")
	for _, f := range r.families {
		for _, v := range f.verdicts() {
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", f.family.name, v.row, v.text, v.measured, v.mark())
		}
	}
	b.WriteString("\n")
}

func (v verdict) mark() string {
	if v.holds {
		return "holds"
	}

	return "**missed**"
}

func (f found) section(b *strings.Builder) {
	fmt.Fprintf(b, "## %s\n\n", f.family.title)
	if f.family.intro != "" {
		fmt.Fprintf(b, "%s\n\n", f.family.intro)
	}
	if f.chart() != "" {
		fmt.Fprintf(b, "![%s](%s.svg)\n\n", f.family.title, f.family.name)
	}
	for _, r := range f.results {
		r.table(b)
	}
	if len(f.readings) > 0 {
		b.WriteString("| quantity | measured | unit | floor | |\n|---|---|---|---|---|\n")
		for _, r := range f.readings {
			r.line(b)
		}
		b.WriteString("\n")
	}
	for _, t := range f.traces {
		t.table(b)
	}
}

// table has a line for each contestant of a row.
func (r result) table(b *strings.Builder) {
	unit := r.row.unitName()
	fmt.Fprintf(b, "### %s\n\n", r.row.name)
	if r.row.note != "" {
		fmt.Fprintf(b, "%s\n\n", r.row.note)
	}
	extra := r.extras()
	fmt.Fprintf(b, "| contestant | ns per %s | CPU ns | %s, as a ratio to %s | bytes | allocations |%s\n|---|---|---|---|---|---|%s\n",
		unit, r.row.timeName(), r.reference(), heads(extra), strings.Repeat("---|", len(extra)))
	for _, name := range r.names() {
		label := name
		if name == control {
			label = r.reference() + " again (A/A)"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |", label, r.of(name, wall), r.of(name, cpu),
			r.ratio(name, r.reference(), r.row.time), figure(r.of(name, bytes).median), figure(r.of(name, allocs).median))
		for _, e := range extra {
			fmt.Fprintf(b, " %s |", r.of(name, figureOf(e)))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	for _, v := range r.verdicts() {
		fmt.Fprintf(b, "- %s: %s, measured %s\n", v.text, v.mark(), v.measured)
	}
	b.WriteString("\n")
}

// reference is the contestant to which the others are compared.
func (r result) reference() string {
	if r.row.baseline.ready == nil {
		return r.row.ours.name
	}

	return r.row.baseline.name
}

// extras are the names of further figures of the row, as its contestants noted them.
func (r result) extras() []string {
	if samples := r.samples[r.row.ours.name]; len(samples) > 0 {
		return keys(samples[0].figures)
	}

	return nil
}

func heads(names []string) string {
	var b strings.Builder
	for _, n := range names {
		fmt.Fprintf(&b, " %s |", n)
	}

	return b.String()
}

func (r reading) line(b *strings.Builder) {
	floor, mark := "", ""
	for _, v := range r.verdicts() {
		floor, mark = v.text, v.mark()
	}
	name := r.gauge.name
	if r.gauge.note != "" {
		name += ": " + r.gauge.note
	}
	fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", name, r.value, r.gauge.unit, floor, mark)
}

func (t trace) table(b *strings.Builder) {
	fmt.Fprintf(b, "### %s\n\n", t.curve.name)
	if t.curve.note != "" {
		fmt.Fprintf(b, "%s\n\n", t.curve.note)
	}
	fmt.Fprintf(b, "| %s | %s |\n|---|---|\n", t.curve.x, t.curve.y)
	for _, p := range t.points {
		fmt.Fprintf(b, "| %s | %s |\n", plainly(p.x), p.y)
	}
	fmt.Fprintf(b, "\nSlope: %s.\n\n", t.slope())
}
