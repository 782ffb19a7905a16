package flow

import "time"

// A queue inside the pipeline says that it is empty only when everything that it handed
// out is settled. A stage below it that collects until the end of the input would wait
// for that for ever. So, once the input of a queue has ended, watchEnd looks for the
// moment when nothing moves and nothing can come, and makes the stages let go.
func (r *run) watchEnd() {
	ticker := time.NewTicker(standstill)
	defer ticker.Stop()
	for r.awaitTick(ticker) {
		if r.exhausted() {
			r.dry.Store(true)
			r.pressure.release()
		}
	}
}

// standstill is how often watchEnd looks.
const standstill = 50 * time.Millisecond

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
