package flow

import (
	"slices"
	"sync/atomic"
)

// Effect counts how often an option of a stage has decided something: a batch that its
// wait closed, a call that its timeout ended.
type Effect struct {
	Option string `json:"option"`
	Count  uint64 `json:"count"`
}

// policyEffect counts the effects of a policy of a Step or a Delivery. It is shared by all
// pipelines that use it.
type policyEffect struct {
	option string
	count  *atomic.Uint64
}

// effect puts on the node an option whose effects are counted.
func (n *node) effect(name string, value any) {
	n.options = append(n.options, option(name, value))
	n.effects = append(n.effects, name)
}

// effect counts one effect of an option. It does nothing for an option that the stage was
// not given.
func (s *station) effect(name string) {
	if i := slices.Index(s.node.effects, name); i >= 0 {
		s.effects[i].Add(1)
	}
}

// counted lists the effects of the stage and of the policies of what it is given.
func (s *station) counted() []Effect {
	var all []Effect
	for i, name := range s.node.effects {
		all = append(all, Effect{Option: name, Count: s.effects[i].Load()})
	}
	if p, ok := s.node.endpoint.(interface{ policyEffects() []policyEffect }); ok {
		for _, e := range p.policyEffects() {
			all = append(all, Effect{Option: e.option, Count: e.count.Load()})
		}
	}

	return all
}
