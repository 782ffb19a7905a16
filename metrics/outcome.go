package metrics

import (
	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

// outcomeCount is how many messages ended in one way.
type outcomeCount struct {
	name string
	n    int64
}

// outcomes gives the outcomes of a line by the names of their labels.
func outcomes(l flow.Line) [len(connector.Outcomes)]outcomeCount {
	return [...]outcomeCount{
		{connector.Filtered.String(), l.Filtered},
		{connector.Duplicate.String(), l.Duplicate},
		{connector.Delivered.String(), l.Delivered},
		{connector.Dropped.String(), l.Dropped},
		{connector.DeadLettered.String(), l.DeadLettered},
		{connector.Returned.String(), l.Returned},
	}
}
