package flow

import (
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// station is what a stage of a pipeline has counted, over all runs and workers.
type station struct {
	node       *node
	name       string
	in, failed atomic.Uint64
	// retried counts attempts beyond the first.
	retried  atomic.Uint64
	outcomes [connector.Returned + 1]atomic.Uint64
	// buckets counts sampled durations by powers of two of a microsecond.
	buckets [durationBuckets]atomic.Uint64
	nanos   atomic.Uint64
	// effects counts those of node.effects.
	effects []atomic.Uint64

	mu sync.Mutex
	// live are counters that show what they have counted, instead of flushing it.
	live []*counter
}

func newStation(n *node, name string) *station {
	return &station{node: n, name: name, effects: make([]atomic.Uint64, len(n.effects))}
}

// durationBuckets reach from 1 µs to about 34 s; the last one takes what is longer.
const durationBuckets = 27

// counter is one worker's share of a station. Only the worker's goroutine touches it;
// flush adds it to the station.
type counter struct {
	lane    *lane
	station *station
	flow    string
	index   int32
	at      *int32
	// mask decides which calls are timed: those whose number has no bit of it set.
	mask     uint64
	n        uint64
	flushed  uint64
	outcomes [connector.Returned + 1]uint64
	// decided is set when an outcome was counted since the last show.
	decided bool
	// lock, where set, guards what is shown of n and outcomes.
	lock          *sync.Mutex
	shown         uint64
	shownOutcomes [connector.Returned + 1]uint64
}

// Calls shorter than quick are timed once in 128; longer ones always.
const (
	sampleMask = 127
	quick      = 20 * time.Microsecond
)

// begin counts one call and reports whether it is to be timed. The first one is, so that
// a slow stage is timed from its first message on.
func (c *counter) begin() bool {
	timed := c.n&c.mask == 0
	c.n++
	*c.at = c.index

	return timed
}

// started returns the time if a call is to be timed, else 0. It is apart from begin so
// that the compiler puts both into the stages.
func started(timed bool) int64 {
	if timed {
		return now()
	}

	return 0
}

// end records the duration of a call that is timed.
func (c *counter) end(start int64) {
	if start != 0 {
		c.record(start)
	}
}

func (c *counter) record(start int64) {
	nanos := now() - start
	c.mask = sampleMask
	if nanos > int64(quick) {
		c.mask = 0
	}
	c.station.took(nanos)
}

// took adds one call to the histogram.
func (s *station) took(nanos int64) {
	bucket := min(bits.Len64(uint64(max(nanos-1, 0))/1000), durationBuckets-1)
	s.buckets[bucket].Add(1)
	s.nanos.Add(uint64(max(nanos, 0)))
}

// stopwatch times the calls of a stage that are not those of its messages, by the same
// rule as a counter. It is used by one goroutine at a time.
type stopwatch struct {
	station *station
	mask, n uint64
}

func (w *stopwatch) begin() int64 {
	timed := w.n&w.mask == 0
	w.n++

	return started(timed)
}

func (w *stopwatch) end(start int64) {
	if start == 0 {
		return
	}
	nanos := now() - start
	w.mask = sampleMask
	if nanos > int64(quick) {
		w.mask = 0
	}
	w.station.took(nanos)
}

// ended notes the outcome that the stage gives to a message.
func (c *counter) ended(it *item, outcome connector.Outcome) {
	it.outcome = outcome
	c.outcomes[outcome]++
	c.decided = true
}

// fail wraps the error of a user function or an endpoint with the place and the message.
func (c *counter) fail(it *item, err error) error {
	c.station.failed.Add(1)
	it.path.failed(c.station.name, err)

	return c.wrap(it, err)
}

func (c *counter) wrap(it *item, err error) error {
	return &StageError{Flow: c.flow, Stage: c.station.name, At: c.station.node.at.String(), Message: it.meta.ID(), Err: err}
}

// flush adds to the station what was counted since the last time, unless the counter shows
// it instead.
func (c *counter) flush() {
	if c.n == c.flushed || c.lock != nil {
		return
	}
	c.station.in.Add(c.n - c.flushed)
	c.flushed = c.n
	for o, n := range c.outcomes {
		if n != 0 {
			c.station.outcomes[o].Add(n)
			c.outcomes[o] = 0
		}
	}
}

// show lets others see what was counted. The caller has the lock.
func (c *counter) show() {
	c.shown = c.n
	if c.decided {
		c.shownOutcomes, c.decided = c.outcomes, false
	}
}

// join has a counter show what it counts, from zero on, under the lock. retire follows.
func (s *station) join(c *counter, lock *sync.Mutex) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.lock = lock
	s.live = append(s.live, c)
}

func (s *station) retire(c *counter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live = slices.DeleteFunc(s.live, func(other *counter) bool { return other == c })
	c.lock = nil
	c.flush()
}

// counts returns the calls and the outcomes.
func (s *station) counts() (in uint64, outcomes [connector.Returned + 1]uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in = s.in.Load()
	for i := range s.outcomes {
		outcomes[i] = s.outcomes[i].Load()
	}
	for _, c := range s.live {
		c.lock.Lock()
		in += c.shown
		for i, n := range c.shownOutcomes {
			outcomes[i] += n
		}
		c.lock.Unlock()
	}

	return in, outcomes
}

// epoch makes clock readings small enough for an int64 and never zero.
var epoch = time.Now().Add(-time.Hour) //nolint:gochecknoglobals // the origin of now

func now() int64 { return int64(time.Since(epoch)) }
