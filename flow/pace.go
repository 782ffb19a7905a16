package flow

import (
	"sync/atomic"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/retry"
)

// pace sets how many messages are read at once, so that a chunk takes a few
// milliseconds: large enough to share the cost of a Read, small enough that the first
// message of a chunk is settled soon. It also counts the failures of Read in a row.
type pace struct {
	chunk    *atomic.Int64
	most     int64
	failures int
	chunks   uint
	// steady leaves the delays between failed Reads without jitter.
	steady bool
}

const (
	firstChunk = 32
	// A chunk that took longer than slowChunk is halved, one below fastChunk doubled.
	slowChunk = 5 * time.Millisecond
	fastChunk = time.Millisecond
	// readAttempts is how often in a row a Read may fail with an error that can pass.
	readAttempts = 5
)

func newPace(most int, steady bool) pace {
	p := pace{chunk: new(atomic.Int64), most: int64(most), steady: steady}
	p.chunk.Store(min(firstChunk, p.most))

	return p
}

func (p *pace) size() int { return int(p.chunk.Load()) }

// timed reports whether a chunk of n messages is to be timed: one that is as large as it may
// be, and of the others one in eight, because the clock costs as much as a short chunk. Where
// a chunk is always one message there is nothing to learn.
func (p *pace) timed(n int) bool {
	if p.most == 1 {
		return false
	}
	p.chunks++

	return n >= p.size() || p.chunks%8 == 1
}

// ran notes how long a chunk of n messages took.
func (p *pace) ran(n int, took time.Duration) {
	size := p.chunk.Load()
	switch {
	case took > slowChunk && size > 1:
		p.chunk.Store(size / 2)
	case took < fastChunk && int64(n) == size && size < p.most:
		p.chunk.Store(min(size*2, p.most))
	}
}

// retry returns how long to wait before the next Read, and whether there is to be one.
func (p *pace) retry(err error) (time.Duration, bool) {
	p.failures++
	class := connector.ClassOf(err)
	if p.failures >= readAttempts || class != connector.ClassTransient && class != connector.ClassThrottled {
		return 0, false
	}

	return retry.Policy{Attempts: readAttempts, NoJitter: p.steady}.Delay(p.failures, err), true
}
