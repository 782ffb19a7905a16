package flowtest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/millrace-go/millrace/connector"
)

// check makes sure that each order that its source was told is done has got everywhere.
func (g *generator) check() error {
	dead := make(map[int]bool)
	for _, l := range g.letters {
		for _, d := range l.Values() {
			for _, o := range d.Value.Orders {
				dead[o] = true
			}
		}
	}
	arrived := make([]map[int]map[int]bool, len(g.exits))
	for i, out := range g.exits {
		arrived[i] = out.arrived()
	}
	var errs []error
	for _, it := range g.source.shelf.items {
		order := it.value.Orders[0]
		text := ""
		switch it.outcome {
		case connector.Delivered, connector.Duplicate:
			for i, out := range g.exits {
				if lost := out.lost(arrived[i][order]); lost != "" && !g.excuses(it.outcome, out, order, dead[order]) {
					text = fmt.Sprintf("at exit %d, %s", i+1, lost)
				}
			}
		case connector.DeadLettered:
			if !dead[order] {
				text = "there is no letter"
			}
		case connector.Filtered:
			if !slices.ContainsFunc(g.exits, func(out *exit) bool { return g.filtered(out, order) }) {
				text = "no filter ended it"
			}
		case connector.Dropped:
			if !g.drops {
				text = "no stage drops anything"
			}
		case connector.Pending, connector.Returned:
			text = "it is not done"
		}
		if text != "" {
			errs = append(errs, fmt.Errorf("order %d (%s) is lost: its outcome is %v, but %s",
				order, it.fields.Position, it.outcome, text))
		}
	}

	return errors.Join(errs...)
}

// arrived has, for each order, the parts of it that are in the sinks.
func (x *exit) arrived() map[int]map[int]bool {
	all := make(map[int]map[int]bool)
	for _, s := range x.sinks {
		for _, p := range s.Values() {
			for _, o := range p.Orders {
				if all[o] == nil {
					all[o] = make(map[int]bool)
				}
				all[o][p.Part] = true
			}
		}
	}

	return all
}

// lost says what is missing of an order.
func (x *exit) lost(parts map[int]bool) string {
	switch {
	case len(parts) == 0:
		return "no sink has it"
	case !x.merged && len(parts) < x.parts:
		return fmt.Sprintf("the sinks have %d of its %d parts", len(parts), x.parts)
	default:
		return ""
	}
}

// excuses reports whether an order may be missing at an exit.
func (g *generator) excuses(o connector.Outcome, out *exit, order int, dead bool) bool {
	switch {
	case g.filtered(out, order):
		return true
	case o == connector.Duplicate: // of one that has ended in another way
		return dead || g.drops
	default:
		return dead && g.forgets // behind a stage that settles, it may end in another way
	}
}

// filtered reports whether a filter above the exit has ended the order.
func (g *generator) filtered(out *exit, order int) bool {
	return slices.ContainsFunc(out.filters, func(name string) bool { return g.excused.has(name, order) })
}
