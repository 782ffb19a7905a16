package flowtest

import (
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// hangs is how long, in real time, a schedule may stand still. A schedule with nothing to
// wait for takes microseconds from one effect to the next.
const hangs = 2 * time.Minute

// watchdog finds a schedule that time cannot end: a function of the user that never
// returns, or that waits for a mutex whose owner waits for an effect. In a bubble nobody
// would notice.
type watchdog struct {
	limit time.Duration
	bite  func(text string)
	// pulse changes as long as the schedule goes on.
	pulse atomic.Int64
}

func newWatchdog() *watchdog {
	return &watchdog{limit: hangs, bite: func(text string) {
		debug.SetTraceback("all")
		panic(text)
	}}
}

// watch looks after a schedule until the function that it returns is called. It must be
// called outside of the bubble, so that its time is real.
func (d *watchdog) watch(seed uint64) (stop func()) {
	done := make(chan struct{})
	go func() {
		ticker := time.NewTicker(d.limit)
		defer ticker.Stop()
		for last := d.pulse.Load(); ; {
			select {
			case <-done:
				return
			case <-ticker.C:
			}
			now := d.pulse.Load()
			if now == last {
				d.bite(fmt.Sprintf("flowtest: the schedule of seed %d hangs: a function of the pipeline does not return, or waits "+
					"for something that neither the World nor the time brings, such as a mutex held during an effect", seed))

				return
			}
			last = now
		}
	}()

	return func() { close(done) }
}
