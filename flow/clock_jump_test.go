package flow_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/internal/wallclock"
)

// TestIntervalWhileTheClockJumps: the interval of a stored group goes by the clock of the
// process, not by what is stored. It is neither longer nor begun anew when the clock is set
// back, and not over when it is set forward.
func TestIntervalWhileTheClockJumps(t *testing.T) {
	for name, by := range map[string]time.Duration{"back": -7 * time.Hour, "forward": 7 * time.Hour} {
		bubble(t, name, func(t *testing.T) {
			source, sink := memory.NewFeed(1), memory.NewSink[group]()
			p := start(t, flow.New("sums", flow.From(source).KeyBy(parity).StoredIn(memory.NewStore()).
				Aggregate(flow.Completion{Interval: time.Minute}, sumUp).To(sink)))
			time.Sleep(30 * time.Second)
			wallclock.Jump(by)
			defer wallclock.Jump(-by)
			source.Send(3)
			time.Sleep(29 * time.Second)
			if sink.Accepted() > 0 {
				t.Errorf("complete too soon: %v", sink.Values())
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if got := sink.Values(); len(got) != 1 || got[0].Value != 4 || got[0].Reason != flow.IntervalPassed {
				t.Errorf("groups %v a minute after the first message", got)
			}
			source.Finish()
			if err := p.wait(); err != nil {
				t.Error(err)
			}
		})
	}
}
