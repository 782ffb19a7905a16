package main

import (
	"fmt"
	"io"
	"regexp"
)

// work measures families.
type work struct {
	plan plan
	only *regexp.Regexp
	// allocs leaves out what says nothing about allocations.
	allocs bool
	// profiles is where CPU profiles go, in place of figures.
	profiles string
	log      io.Writer
}

// found is a family that was measured.
type found struct {
	family   family
	results  []result
	readings []reading
	traces   []trace
}

func (w work) measure(families []family) (report, error) {
	rep := report{conditions: conditionsNow(w.plan)}
	for _, f := range families {
		got, err := w.family(f)
		if err != nil {
			return report{}, fmt.Errorf("%s: %w", f.name, err)
		}
		if len(got.results)+len(got.readings)+len(got.traces) > 0 {
			rep.families = append(rep.families, got)
		}
	}

	return rep, nil
}

func (w work) family(f family) (found, error) {
	got := found{family: f}
	for _, r := range f.rows {
		if !matches(w.only, f.name, r.name) || w.allocs && !r.judgesAllocs() {
			continue
		}
		if w.profiles != "" {
			if err := w.plan.profile(w.profiles, f.name, r); err != nil {
				return found{}, err
			}

			continue
		}
		res, err := w.plan.run(w.reduced(r))
		if err != nil {
			return found{}, err
		}
		got.results = append(got.results, res)
		w.print(f.name, res)
	}
	if w.allocs || w.profiles != "" {
		return got, nil
	}
	for _, g := range f.gauges {
		if !matches(w.only, f.name, g.name) {
			continue
		}
		r, err := g.take(w.plan)
		if err != nil {
			return found{}, err
		}
		got.readings = append(got.readings, r)
		w.say("%s/%s: %s %s\n", f.name, g.name, r.value, g.unit)
		w.judge(r.verdicts())
	}
	for _, c := range f.curves {
		if !matches(w.only, f.name, c.name) {
			continue
		}
		t, err := c.take(w.plan)
		if err != nil {
			return found{}, err
		}
		got.traces = append(got.traces, t)
		w.say("%s/%s: %s: %s\n", f.name, c.name, c.y, t.slope())
	}

	return got, nil
}

// say prints a line of the run. One that cannot be printed is no reason to stop.
func (w work) say(format string, values ...any) { _, _ = fmt.Fprintf(w.log, format, values...) }

func (r row) judgesAllocs() bool {
	for _, f := range r.floors {
		if f.allocs {
			return true
		}
	}

	return false
}

// reduced leaves, where allocations alone are judged, ours alone and the floors about it.
func (w work) reduced(r row) row {
	if !w.allocs {
		return r
	}
	var floors []floor
	for _, f := range r.floors {
		if f.allocs {
			floors = append(floors, f)
		}
	}
	r.baseline, r.others, r.floors = contestant{}, nil, floors

	return r
}

func (w work) print(family string, res result) {
	w.say("%s/%s\n", family, res.row.name)
	for _, name := range res.names() {
		w.say("  %-34s %10s ns  %10s ns CPU  %9s B  %8s allocs  n=%d\n", name, figure(res.of(name, wall).median),
			figure(res.of(name, cpu).median), figure(res.of(name, bytes).median), figure(res.of(name, allocs).median), res.samples[name][0].N)
	}
	if _, ok := res.samples[control]; ok {
		w.say("  %s of %s: A/A %s\n", res.row.timeName(), res.reference(), res.ratio(control, res.reference(), res.row.time))
	}
	w.judge(res.verdicts())
}

func (w work) judge(list []verdict) {
	for _, v := range list {
		w.say("  %-7s %s: %s\n", v.word(), v.text, v.measured)
	}
}

func (v verdict) word() string {
	if v.holds {
		return "holds"
	}

	return "MISSED"
}

// names are those of the contestants that ran, the control last.
func (r result) names() []string {
	var names []string
	for _, c := range r.row.contestants() {
		names = append(names, c.name)
	}
	if _, ok := r.samples[control]; ok {
		names = append(names, control)
	}

	return names
}
