package main

import (
	"github.com/millrace-go/millrace/flow"
)

// status is how the pipelines are at one moment.
type status struct {
	ledgers []flow.Ledger
	health  []flow.Health
}

// inFlight counts the messages that sources handed out and that have no outcome yet.
func (s status) inFlight() int64 {
	n := int64(0)
	for _, l := range s.ledgers {
		n += l.Source.InFlight
	}

	return n
}

// statusView is a status as it is served.
type statusView struct {
	InFlight  int64          `json:"in_flight"`
	Pipelines []pipelineView `json:"pipelines"`
}

type pipelineView struct {
	flow.Health

	Ledger flow.Ledger `json:"ledger"`
}

func (s status) view() statusView {
	v := statusView{InFlight: s.inFlight()}
	for i, h := range s.health {
		v.Pipelines = append(v.Pipelines, pipelineView{Health: h, Ledger: s.ledgers[i]})
	}

	return v
}
