package main

// explained is a change that no test can tell from the original, and why.
type explained struct{ file, change, reason string }

func explanations(file string) map[string]string {
	known := make(map[string]string)
	for _, e := range survivors() {
		if e.file == file {
			known[e.change] = e.reason
		}
	}

	return known
}

// survivors lists what the sweeps left.
func survivors() []explained {
	return []explained{
		{
			"flow/item.go", "item.absorb: >  =>  >=",
			"an item absorbs once, the worst of all of its parts: what it replaces is Pending, without a cause",
		},
		{
			"flow/chunk.go", "chunk.refill: >  =>  >=",
			"a chunk of exactly the old size gets new items, which costs an allocation and changes nothing",
		},
		{
			"flow/tab.go", "tab.open: t.book.live += n  =>  nothing",
			"open, not equivalent: only exhausted reads it, on the far side of a durable queue that has no lease; no driver of this module is one",
		},
	}
}
