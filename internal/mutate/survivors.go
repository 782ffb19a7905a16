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
			"flow/book.go", "newBook: >  =>  >=",
			"positions are noted where nobody asks for them, which costs memory and changes nothing",
		},
		{
			"flow/book.go", "book.note: >  =>  >=",
			"the settler wakes, finds nothing and waits again",
		},
		{
			"flow/book.go", "book.room: b.notFull()  =>  nothing",
			"open, perhaps not equivalent: settled says it too, so only a source whose reading ends while it is full goes on " +
				"to count as full, and that is in a drain, which makes stages let go anyway",
		},
		{
			"flow/tab.go", "tab.open: t.book.live += n  =>  nothing",
			"open, not equivalent: only exhausted reads it, on the far side of a durable queue that has no lease; no driver of this module is one",
		},
	}
}
