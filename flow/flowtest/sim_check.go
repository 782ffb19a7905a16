package flowtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

// lifeCount is what sources and durable queues saw of one life.
type lifeCount struct {
	// in counts messages that were handed out, left those that were still out when their
	// reader was closed, stopped those that came back because of a stop.
	in, left, stopped int64
	// relet is set when a message was handed out again because its lease was lost: a
	// settlement that is repeated then cannot be told from that of the second handout.
	relet    bool
	outcomes [connector.Returned + 1]int64
}

func (c *lifeCount) settle(s connector.Settlement) {
	c.outcomes[s.Outcome%(connector.Returned+1)]++
	if errors.Is(s.Cause, connector.ErrStopped) {
		c.stopped++
	}
}

// judgeLife checks a pipeline that has ended against what its sources saw.
func (s *schedule) judgeLife(l *life) {
	if l.dead {
		return // it did not get to the end
	}
	ledger := l.pipeline.Ledger()
	if err := balanced(ledger); err != nil {
		s.problem("%w", err)
	}
	if l.err == nil {
		closing := ledger
		if l.stopped != nil {
			// What a stop cuts short behind the source is in a store, or comes again.
			closing.Derived = flow.Line{}
		}
		if err := Closed(closing); err != nil {
			s.problem("the pipeline has ended without an error, but its ledger is not closed: %w", err)
		}
	}
	line, c := ledger.Source, &l.count
	if line.In != c.in {
		s.problem("the ledger has %d source messages, but the sources handed out %d: %v", line.In, c.in, ledger)
	}
	if c.left > line.InFlight+line.Unconfirmed {
		s.problem("%d messages were neither settled nor reported as left: %v", c.left, ledger)
	}
	told := [...]int64{0, line.Filtered, line.Duplicate, line.Delivered, line.Dropped, line.DeadLettered, line.Returned}
	for _, o := range connector.Outcomes {
		if got := c.outcomes[o]; !c.relet && (got > told[o] || told[o]-got > line.Unconfirmed) {
			s.problem("the ledger has %d messages %v, but the sources were told of %d: %v", told[o], o, got, ledger)
		}
	}
	s.judgeStop(l)
}

// judgeStop checks what Stop has reported.
func (s *schedule) judgeStop(l *life) {
	if l.stopped == nil {
		return
	}
	left, line := (<-l.stopped).left, l.pipeline.Ledger().Source
	if left.Clean() && l.err == nil && line.Returned == 0 {
		return
	}
	if left.InFlight != line.InFlight || left.Unconfirmed != line.Unconfirmed {
		s.problem("Stop has reported %d messages in flight and %d unconfirmed, but left %d and %d",
			left.InFlight, left.Unconfirmed, line.InFlight, line.Unconfirmed)
	}
	if d := left.Returned - l.count.stopped; !l.count.relet && (d < 0 || d > left.Unconfirmed) {
		s.problem("Stop has reported %d messages returned, but the sources were given back %d", left.Returned, l.count.stopped)
	}
}

// judge makes the checks of a schedule that has come to its end.
func (s *schedule) judge() {
	w := s.world
	for _, e := range w.endpoints {
		s.problems = append(s.problems, e.check(w)...)
	}
	for _, c := range w.checks {
		if err := c.check(); err != nil {
			s.problem("%s: %w", c.name, err)
		}
	}
}

// check of a source or queue: what it was told is true.
func (s *shelf[T]) check(w *World) []error {
	problems := slices.Clone(s.problems)
	if !w.keepsIDs() || !w.seesSinks() || s.queue && !s.caps.Durable {
		return problems // or what a queue inside the pipeline is told means nothing
	}
	arrived := w.arrived(s)
	for _, it := range s.items {
		if o := it.outcome; (o == connector.Delivered || o == connector.DeadLettered) && !arrived[it.fields.ID] {
			problems = append(problems, fmt.Errorf("%s is lost: %s was told that it is %v, but no sink and no queue has it",
				it.fields.ID, s.label, o))
		}
	}

	return problems
}

// keepsIDs reports whether every message of a sink can be traced to its source.
func (w *World) keepsIDs() bool {
	for _, stage := range w.life.pipeline.Graph().Stages {
		switch stage.Kind {
		case "aggregate", "batch-map", "map-message", "for-each":
			return false
		}
	}

	return true
}

// seesSinks reports whether what the pipeline writes ends up in the World: a sink of the
// user's own may stand in front of one of the World, but not in place of it.
func (w *World) seesSinks() bool {
	strangers, known := 0, make(map[string]bool)
	for _, e := range w.endpoints {
		if a, ok := e.(interface{ took() map[string]int }); ok && a.took() != nil {
			known[e.name()] = true
		}
	}
	free := maps.Clone(known)
	for _, stage := range w.life.pipeline.Graph().Stages {
		switch stage.Kind {
		case "to", "dead-letter", "via":
			if delete(free, stage.Endpoint); !known[stage.Endpoint] {
				strangers++
			}
		}
	}

	return strangers <= len(free)
}

// arrived has the ID of each message that a sink or another queue has accepted, and those
// of the messages that it is a part of.
func (w *World) arrived(except endpoint) map[string]bool {
	all := make(map[string]bool)
	for _, e := range w.endpoints {
		if a, ok := e.(interface{ took() map[string]int }); ok && e != except {
			for id := range a.took() {
				for whole := range wholes(id) {
					all[whole] = true
				}
			}
		}
	}

	return all
}

// wholes yields an ID and those of the messages that it is a part of.
func wholes(id string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for yield(id) {
			cut := strings.LastIndexByte(id, '/')
			if cut < 0 {
				return
			}
			id = id[:cut]
		}
	}
}

func (s *shelf[T]) took() map[string]int {
	if !s.queue {
		return nil
	}

	return s.accepted
}

func (t *tray[T]) took() map[string]int { return t.accepted }

// check of a sink: no more duplicates than there is a reason for, and the order.
func (t *tray[T]) check(w *World) []error {
	problems := slices.Clone(t.problems)
	uses := w.uses(t.label)
	for _, m := range t.messages {
		id := m.ID()
		n, allowed := t.accepted[id], t.allowed(w, id, uses)
		if allowed < 0 || n <= allowed {
			continue
		}
		t.accepted[id] = 0 // report it once
		problems = append(problems, fmt.Errorf("%s has accepted %s %d times, where %d can be explained", t.label, id, n, allowed))
	}
	if t.inOrder {
		problems = append(problems, t.checkOrder(w)...)
	}

	return problems
}

// allowed is how often a message may have been accepted; negative for any number.
func (t *tray[T]) allowed(w *World, id string, uses int) int {
	switch {
	case t.atMost > 0:
		return t.atMost
	case t.caps.Idempotent, id == "":
		return -1
	}
	most := 0
	for whole := range wholes(id) {
		most = max(most, w.handouts[whole]) // by the source, or by a queue behind it
	}
	if most > 0 && (!w.keepsGroups() || w.origin(id)) {
		return most*uses + t.unclear[id]
	}
	if w.sim.faults == 0 {
		return uses
	}

	return -1
}

// keepsGroups reports whether a stage stores groups, which it emits again after a crash.
func (w *World) keepsGroups() bool {
	return slices.ContainsFunc(w.life.pipeline.Graph().Stages, func(s flow.StageInfo) bool {
		return s.Kind == "aggregate" && slices.Contains(s.Options, flow.Option{Name: "stored", Value: "true"})
	})
}

// origin reports whether the message, or what it is a part of, is one of a source.
func (w *World) origin(id string) bool {
	for whole := range wholes(id) {
		for _, e := range w.endpoints {
			if s, ok := e.(interface{ holds(id string) bool }); ok && s.holds(whole) {
				return true
			}
		}
	}

	return false
}

// holds reports whether the message began here.
func (s *shelf[T]) holds(id string) bool { return !s.queue && s.accepted[id] > 0 }

// uses counts the stages that write to the sink.
func (w *World) uses(name string) int {
	n := 0
	for _, stage := range w.life.pipeline.Graph().Stages {
		if stage.Endpoint == name {
			n++
		}
	}

	return max(n, 1)
}
