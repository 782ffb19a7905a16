package flow

import "time"

// Health is how a pipeline is, why, and since when.
type Health struct {
	Flow  string    `json:"flow"`
	State State     `json:"state"`
	Since time.Time `json:"since"`
	// Reason is why the pipeline failed or waits; empty when it is well.
	Reason string `json:"reason,omitempty"`
	// Restarts counts how often a supervisor has started the pipeline again.
	Restarts int `json:"restarts"`
}

// State is what a pipeline is doing.
type State string

// The states of a pipeline.
const (
	// Stopped is a pipeline that has not started, or has ended well.
	Stopped State = "stopped"
	// Running is a pipeline that reads its sources.
	Running State = "running"
	// Draining is a pipeline that takes nothing more in.
	Draining State = "draining"
	// Failed is a pipeline that ended with an error.
	Failed State = "failed"
	// Waiting is a failed pipeline that a supervisor will start again.
	Waiting State = "waiting"
)

// Health returns the pipeline's state.
func (p *Pipeline) Health() Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.status
	h.Flow = p.name
	if r := p.current; r != nil && r.stopping() {
		h.State = Draining
	}

	return h
}
