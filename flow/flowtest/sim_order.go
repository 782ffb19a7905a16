package flowtest

import "fmt"

// checkOrder checks the messages that were handed out once, by key.
func (t *tray[T]) checkOrder(w *World) []error {
	feeders := w.feeders(t.label)
	last := make(map[string]int)
	seen := make(map[string]bool)
	var problems []error
	for _, m := range t.messages {
		id := m.ID()
		at, source := 0, ""
		for whole := range wholes(id) {
			if at, source = w.handedOutAs(whole, feeders); at > 0 {
				break
			}
		}
		if at == 0 || seen[id] {
			continue
		}
		seen[id] = true
		key := source
		if t.key != nil {
			key += " " + t.key(m.Value)
		}
		if at < last[key] {
			problems = append(problems, fmt.Errorf("%s has accepted %s too late: a later message of its key came first", t.label, id))
		}
		last[key] = max(last[key], at)
	}

	return problems
}

// feeders are the sources and queues whose messages get to a sink without another queue
// in between. It is nil for a sink that no stage writes to.
func (w *World) feeders(sink string) map[string]bool {
	graph := w.life.pipeline.Graph()
	kinds, endpoints := make(map[string]string), make(map[string]string)
	var above []string
	for _, s := range graph.Stages {
		kinds[s.Name], endpoints[s.Name] = s.Kind, s.Endpoint
		if s.Endpoint == sink {
			above = append(above, s.Name)
		}
	}
	if len(above) == 0 {
		return nil
	}
	found, seen := make(map[string]bool), make(map[string]bool)
	for len(above) > 0 {
		at := above[0]
		above = above[1:]
		switch {
		case seen[at]:
			continue
		case kinds[at] == "from", kinds[at] == "via-out":
			found[endpoints[at]] = true

			continue
		}
		seen[at] = true
		for _, e := range graph.Edges {
			if e.To == at {
				above = append(above, e.From)
			}
		}
	}

	return found
}

// handedOutAs returns the number of the handout of a message that was handed out once, by
// one of the feeders; by anyone where there are none.
func (w *World) handedOutAs(id string, feeders map[string]bool) (number int, source string) {
	for _, e := range w.endpoints {
		h, ok := e.(interface{ handout(id string) (int, int) })
		if !ok || feeders != nil && !feeders[e.name()] {
			continue
		}
		times, at := h.handout(id)
		if times > 1 {
			return 0, ""
		}
		if times == 1 {
			number, source = at, e.name()
		}
	}

	return number, source
}

// handout returns how often a message was handed out, and the number of the last time.
func (s *shelf[T]) handout(id string) (times, number int) {
	for _, it := range s.items {
		if it.fields.ID == id {
			times, number = times+it.deliveries, it.number
		}
	}

	return times, number
}
