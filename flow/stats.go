package flow

import (
	"fmt"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// StageStats is what a stage has counted since its pipeline was made.
type StageStats struct {
	// Stage and Kind name it: "customer", "enrich".
	Stage string `json:"stage"`
	Kind  string `json:"kind"`
	// Endpoint is the declared name of its source, sink, queue or store, if it has one.
	Endpoint string `json:"endpoint,omitempty"`
	// In counts calls: messages, or for a sink behind a batch, batches.
	In uint64 `json:"in"`
	// Failed counts attempts that failed here; Retried those beyond the first, by a Retry
	// stage or by the Step or Delivery that the stage uses.
	Failed  uint64 `json:"failed"`
	Retried uint64 `json:"retried"`
	// Outcomes counts the outcomes that were decided here, indexed by
	// [connector.Outcome].
	Outcomes [connector.Returned + 1]uint64 `json:"-"`
	// Effects counts the effects of the stage's options, and of the policies of the Step or
	// Delivery that it uses, over all pipelines that use these.
	Effects []Effect `json:"effects,omitempty"`
	// Durations has the calls that were timed.
	Durations Durations `json:"durations"`
}

// Durations is a histogram of the calls of a stage that were timed: of a source its Reads,
// in which it may wait for messages, of a DeadLetter the Writes to its sink. Timed are the
// first, every call that follows a timed one of more than 20 µs, and else one in 128. So a slow stage is
// timed in full, and a fast one is sampled.
type Durations struct {
	// Count and Sum are those of the timed calls.
	Count uint64
	Sum   time.Duration
	// Buckets counts by upper bound: Buckets[i] took at most 2^i µs and more than the
	// bucket before; the last one has all the rest.
	Buckets [durationBuckets]uint64
}

// MarshalJSON writes the count and, because JSON has no durations, the sum in nanoseconds.
func (d Durations) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `{"count":%d,"sum_nanoseconds":%d}`, d.Count, d.Sum.Nanoseconds()), nil
}

// UpperBound returns the upper bound of the i-th bucket; there is none for the last.
func (Durations) UpperBound(i int) time.Duration { return time.Microsecond << i }

// Stats returns what each stage has counted, in the order of Graph. Counts of messages
// that are in a worker's hands may be missing by a chunk.
func (p *Pipeline) Stats() []StageStats {
	all := make([]StageStats, 0, len(p.plan.nodes))
	for _, n := range p.plan.nodes {
		all = append(all, p.stations[n].stats())
	}

	return all
}

func (s *station) stats() StageStats {
	out := StageStats{
		Stage:    s.name,
		Kind:     s.node.kind,
		Endpoint: connector.Describe(s.node.endpoint).Name,
		Failed:   s.failed.Load(),
		Retried:  s.retried.Load(),
		Effects:  s.counted(),
	}
	if r, ok := s.node.endpoint.(interface{ Retried() uint64 }); ok {
		out.Retried += r.Retried()
	}
	out.In, out.Outcomes = s.counts()
	for i := range s.buckets {
		out.Durations.Buckets[i] = s.buckets[i].Load()
		out.Durations.Count += out.Durations.Buckets[i]
	}
	out.Durations.Sum = time.Duration(s.nanos.Load())

	return out
}
