package flow

import (
	"context"
	"testing"
)

// TestALaneThatFindsWorkDoesNotLetGo: a press and a message come at the same time. Only a race
// brings them together, so the lane is driven by hand.
func TestALaneThatFindsWorkDoesNotLetGo(t *testing.T) {
	for _, test := range []struct {
		name       string
		work, want bool
	}{
		{"something came", true, false},
		{"nothing came", false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLane(&run{})
			work, released := test.work, false
			l.polls = append(l.polls, func(context.Context) bool {
				found := work
				work = false

				return found
			})
			l.presses = append(l.presses, func(context.Context) bool {
				released = true

				return false
			})
			l.press() // wakes the lane as well
			looks := 0
			l.serve(t.Context(), func() bool {
				looks++

				return looks <= 3
			})
			if released != test.want {
				t.Errorf("let go: %t, want %t", released, test.want)
			}
		})
	}
}
