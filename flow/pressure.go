package flow

import "sync/atomic"

// pressure finds out when a run is stuck: a source may hand out no more, or give up no
// partition, before something ends, and nothing moves. Then the stages let go of what they have collected. Asking
// only when nothing moves keeps batches from being torn while others still work.
type pressure struct {
	lanes []*lane
	// busy counts what moves: lanes that do not wait, mailboxes that are not empty, jobs
	// that are out, settlements and confirmations under way.
	busy atomic.Int64
	// full counts the sources and queues that have no room; leaving the revocations of
	// partitions that wait.
	full, leaving atomic.Int64
	// moves counts pieces of work; pressed is its value at the last press.
	moves, pressed atomic.Int64
}

// work says that something moves, until rest.
func (p *pressure) work() { p.busy.Add(1) }

func (p *pressure) rest() {
	if p.busy.Add(-1) == 0 {
		p.press()
	}
}

// moved says that a piece of work was done, so that a press makes sense again.
func (p *pressure) moved() { p.moves.Add(1) }

// fill says that a source or a queue has no room, until drain.
func (p *pressure) fill() {
	p.full.Add(1)
	p.press()
}

func (p *pressure) drain() { p.full.Add(-1) }

// leave says that a revocation waits for what is in flight, until left.
func (p *pressure) leave() {
	p.leaving.Add(1)
	p.press()
}

func (p *pressure) left() { p.leaving.Add(-1) }

// stuck reports whether a source waits for room and nothing but the caller moves.
func (p *pressure) stuck() bool { return p.full.Load() > 0 && p.busy.Load() <= 1 }

// press asks every lane to let go, once for each standstill.
func (p *pressure) press() {
	if p.full.Load()+p.leaving.Load() == 0 || p.busy.Load() > 0 {
		return
	}
	if moves := p.moves.Load() + 1; p.pressed.Swap(moves) != moves {
		p.release()
	}
}

func (p *pressure) release() {
	for _, l := range p.lanes {
		l.press()
	}
}
