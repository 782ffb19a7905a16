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
			"flow/book.go", "newBook: >  =>  >=",
			"positions are noted where nobody asks for them, which costs memory and changes nothing",
		},
		{
			"flow/book.go", "book.note: >  =>  >=",
			"the settler wakes, finds nothing and waits again",
		},
		{
			"flow/book.go", "book.extend: defer ticker.Stop()  =>  nothing",
			"a ticker that nobody has any more is collected; stopping it only spares the time until then",
		},
		{
			"flow/lane.go", "lane.press: >  =>  >=",
			"a lane without stages that collect wakes, lets nothing go and waits again",
		},
		{
			"flow/lane.go", "lane.load: >  =>  >=",
			"nobody adds zero to the backlog",
		},
		{
			"flow/lane.go", "lane.serve: defer timer.Stop()  =>  nothing",
			"a timer that nobody has any more is collected; stopping it only spares the time until then",
		},
		{
			"flow/lane.go", "lane.wait: >  =>  >=",
			"a timer of zero rings at once, which costs a wait and changes nothing",
		},
		{
			"flow/lane.go", "lane.sleep: timer.Stop()  =>  nothing",
			"the next Reset forgets what the timer sent, and nobody looks at it before",
		},
		{
			"flow/lane.go", "newIdleTimer: timer.Stop()  =>  nothing",
			"the first Reset forgets what the timer sent, and nobody looks at it before",
		},
		{
			"flow/lane.go", "lane.release: l.run.pressure.moved()  =>  nothing",
			"what is let go ends or crosses into a mailbox, and a source is full again only after it has handed out more, " +
				"which a mailbox counts as well; a stage that waits for a stall has an alarm, and that counts when it rings",
		},
	}
}
