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
	}
}
