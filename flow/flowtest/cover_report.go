package flowtest

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

// abilities lists what a stage can do.
func abilities(s flow.StageStats, info flow.StageInfo) []ability {
	all := []ability{{"entered", s.In > 0}}
	if info.Fails {
		all = append(all, ability{"failed", s.Failed > 0})
	}
	switch s.Kind {
	case "filter":
		filtered := s.Outcomes[connector.Filtered]
		all = append(all, ability{"filtered", filtered > 0}, ability{"passed", s.In > filtered})
	case "once":
		all = append(all, ability{"duplicate", s.Outcomes[connector.Duplicate] > 0})
	case "dead-letter":
		all = append(all, ability{"dead-lettered", s.Outcomes[connector.DeadLettered] > 0})
	case "retry":
		all = append(all, ability{"retried", s.Retried > 0})
	case "buffer":
		if !slices.Contains(info.Options, flow.Option{Name: "full", Value: flow.Block.String()}) {
			all = append(all, ability{"dropped", s.Outcomes[connector.Dropped] > 0})
		}
	}
	for _, e := range s.Effects {
		all = append(all, ability{"option " + e.Option, e.Count > 0})
	}

	return all
}

// report lists what was not exercised, and counts.
func (c *coverage) report() (text string, done, all int) {
	var rows strings.Builder
	for _, name := range slices.Sorted(slices.Values(c.flows)) {
		var missing []string
		before, beforeDone := all, done
		for _, s := range c.stages[name] {
			for _, a := range s.abilities {
				all++
				if a.done {
					done++

					continue
				}
				missing = append(missing, fmt.Sprintf("  %s\tnever %s\n", s.name, a.name))
			}
		}
		fmt.Fprintf(&rows, "%s\t%s\n%s", name, share(done-beforeDone, all-before), strings.Join(missing, ""))
	}
	if all == 0 {
		return "flowtest: no pipeline was run with flowtest\n", 0, 0
	}
	var b strings.Builder
	fmt.Fprintf(&b, "flowtest: the tests have exercised %s of what the pipelines can do\n", share(done, all))
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if _, err := table.Write([]byte(rows.String())); err != nil {
		return err.Error(), done, all // a strings.Builder does not fail
	}
	if err := table.Flush(); err != nil {
		return err.Error(), done, all
	}

	return b.String(), done, all
}

func share(done, all int) string {
	return fmt.Sprintf("%d of %d (%d%%)", done, all, done*100/max(all, 1))
}
