package flowtest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

// check makes sure that each order that its source was told is done has got everywhere.
func (g *generator) check() error {
	dead := make(map[int]bool)
	var errs []error
	for _, l := range g.letters {
		for _, d := range l.Values() {
			if errors.Is(d.Err, flow.ErrClaimLost) || errors.Is(d.Err, flow.ErrClaimTaken) || errors.Is(d.Err, flow.ErrClaimDamaged) {
				errs = append(errs, fmt.Errorf("the value behind a claim was not there: %w", d.Err))
			}
			for _, o := range d.Value.Orders {
				dead[o] = true
			}
		}
	}
	arrived := make([]map[int]map[int]bool, len(g.exits))
	for i, out := range g.exits {
		arrived[i] = out.arrived()
	}
	for _, source := range g.sources {
		for _, it := range source.shelf.items {
			order := it.value.Orders[0]
			if text := g.missing(source.shelf.label, it, dead[order], arrived); text != "" {
				errs = append(errs, fmt.Errorf("order %d (%s) is lost: its outcome is %v, but %s",
					order, it.fields.Position, it.outcome, text))
			}
		}
	}

	return errors.Join(errs...)
}

// missing says why the outcome that a source was told of an order is not true.
func (g *generator) missing(source string, it *shelved[parcel], dead bool, arrived []map[int]map[int]bool) string {
	order := it.value.Orders[0]
	switch it.outcome {
	case connector.Delivered, connector.Duplicate:
		for i, out := range g.exits {
			if !slices.Contains(out.sources, source) || g.excuses(it.outcome, out, order, dead) {
				continue
			}
			if lost := out.lost(arrived[i][order]); lost != "" {
				return fmt.Sprintf("at exit %d, %s", i+1, lost)
			}
		}
	case connector.DeadLettered:
		if !dead {
			return "there is no letter"
		}
	case connector.Filtered:
		if !g.excused.has(anyFilter, order) {
			return "no filter ended it"
		}
	case connector.Dropped:
		if !g.drops {
			return "no stage drops anything"
		}
	case connector.Pending, connector.Returned:
		return "it is not done"
	}

	return ""
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
	case o == connector.Duplicate, g.remembers:
		// A start before this one may have ended it in another way, in this branch at least.
		return dead || g.drops
	default:
		return dead && g.forgets // behind a stage that settles, it may end in another way
	}
}

// filtered reports whether a filter above the exit has ended the order.
func (g *generator) filtered(out *exit, order int) bool {
	return slices.ContainsFunc(out.filters, func(name string) bool { return g.excused.has(name, order) })
}
