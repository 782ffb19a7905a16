package flow

import "time"

// A queue inside the pipeline says that it is empty only when everything that it handed
// out is settled. A stage below it that collects until the end of the input would wait
// for that for ever. So, once the input of a queue has ended, watchEnd looks for the
// moment when nothing moves and nothing can come, and makes the stages let go. A message
// may be delayed for a week, so the longer nothing moves, the more seldom it looks.
func (r *run) watchEnd() {
	wait, seen := standstill, r.pressure.moves.Load()
	ticker := time.NewTicker(wait)
	defer ticker.Stop()
	for r.awaitTick(ticker) {
		moves := r.pressure.moves.Load()
		switch {
		case r.exhausted():
			r.dry.Store(true)
			r.pressure.release()
			wait = standstill
		case moves != seen:
			wait = standstill
		default:
			wait = min(2*wait, longStandstill)
		}
		seen = moves
		ticker.Reset(wait)
	}
}

// watchEnd looks every standstill while something moves, and every longStandstill at least.
const (
	standstill     = 50 * time.Millisecond
	longStandstill = time.Second
)

// exhausted reports whether nothing moves and nothing can come any more.
func (r *run) exhausted() bool {
	still := func() bool { return r.inputs.Load() == 0 && r.pressure.busy.Load() == 0 }
	if !still() {
		return false
	}
	for _, in := range r.intakes {
		if !in.exhausted() {
			return false
		}
	}

	return still()
}
