package flowtest

import "maps"

// Bounds of the search for a shorter schedule: how many are tried, and how many effects
// and turns of goroutines they have together.
const (
	mostShrinks     = 400
	mostShrinkSteps = 400_000
)

// otherOrders is how many other orders of the effects are tried where leaving faults out
// makes a schedule pass: which fault comes first may have mattered by its effect on the
// order alone.
const otherOrders = 3

// shrink looks for a schedule with fewer faults that fails too, and returns it with its
// trace as text.
func shrink(s *schedule, run func(p plan, verbose bool) *schedule) *schedule {
	x := &shrinking{best: s, run: run}
	if calm := s.plan; calm.order != arrival {
		calm.order = arrival
		x.try(calm)
	}
	for part := len(x.best.injected); part > 0; part /= 2 {
		for from := 0; from < len(x.best.injected); {
			if !x.anyOrder(without(x.best, from, part)) {
				from += part
			}
		}
	}
	if final := run(x.best.plan, true); len(final.problems) > 0 {
		return final
	}

	return x.best
}

type shrinking struct {
	best *schedule
	run  func(p plan, verbose bool) *schedule
	// tries and steps count towards the bounds.
	tries, steps int
}

func (x *shrinking) anyOrder(p plan) bool {
	for salt := range uint64(otherOrders) {
		other := p
		other.salt += salt
		if x.try(other) {
			return true
		}
	}

	return false
}

// try runs a plan; it reports whether it is better.
func (x *shrinking) try(p plan) bool {
	if x.tries++; x.tries > mostShrinks || x.steps > mostShrinkSteps {
		return false
	}
	got := x.run(p, false)
	x.steps += got.steps + got.turns
	if len(got.problems) == 0 || got.faults > x.best.faults || got.faults == x.best.faults && p.order == x.best.plan.order {
		return false
	}
	x.best = got

	return true
}

// without is the plan of a schedule that leaves some of its faults out.
func without(s *schedule, from, n int) plan {
	p := s.plan
	p.without = maps.Clone(p.without)
	for _, key := range s.injected[from:min(from+n, len(s.injected))] {
		if p.without == nil {
			p.without = make(map[string]bool)
		}
		p.without[key] = true
	}

	return p
}
