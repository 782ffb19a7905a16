package flow_test

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// A broker with several partitions delivers the events of a parcel out of order. A number
// that has not come after a minute is skipped.
func ExampleKeyed_Resequence() {
	type event struct {
		Parcel string
		Number int64
		What   string
	}
	events := memory.NewSource(
		event{"P1", 2, "in transit"}, event{"P2", 1, "posted"}, event{"P1", 1, "posted"}, event{"P1", 3, "delivered"})
	history := flow.From(events).
		KeyBy(func(e event) string { return e.Parcel }).
		Resequence(func(e event) int64 { return e.Number }, flow.Sequence{First: 1, Wait: time.Minute})
	for e, err := range history.All(context.Background()) {
		fmt.Println(e.Parcel, e.What, err)
	}
	// Output:
	// P2 posted <nil>
	// P1 posted <nil>
	// P1 in transit <nil>
	// P1 delivered <nil>
}
