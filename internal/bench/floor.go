package main

import "fmt"

// floor is a promise about a row. The median must keep it.
type floor struct {
	text string
	of   func(r result) spread
	// limit is the most, or with least the least, that keeps the promise.
	limit float64
	least bool
	// allocs marks a promise that does not hang on the machine: bench-check judges it.
	allocs bool
	// mark, where it is set, gives the time of ours at which the promise ends, for the chart.
	mark func(r result) float64
}

func (f floor) holds(s spread) bool {
	if f.least {
		return s.median >= f.limit
	}

	return s.median <= f.limit
}

// noAllocation is what counts as none per message: the start of a run is spread over its
// messages.
const noAllocation = 0.01

// atMostTimes bounds the time of a contestant by that of another.
func atMostTimes(limit float64, name, by string) floor {
	return floor{
		text: fmt.Sprintf("at most %s times %s", plainly(limit), by), limit: limit,
		of:   func(r result) spread { return r.ratio(name, by, r.row.time) },
		mark: func(r result) float64 { return limit * r.of(by, r.row.time).median },
	}
}

// timesFaster wants a contestant to be faster than another by a factor.
func timesFaster(limit float64, name, than string) floor {
	return floor{
		text: fmt.Sprintf("at least %s times faster than %s", plainly(limit), than), limit: limit, least: true,
		of:   func(r result) spread { return r.ratio(than, name, r.row.time) },
		mark: func(r result) float64 { return r.of(than, r.row.time).median / limit },
	}
}

// ofTheRate wants a contestant to do so much of what another does in the same time.
func ofTheRate(limit float64, name, than string) floor {
	f := timesFaster(limit, name, than)
	f.text = fmt.Sprintf("at least %s of the rate of %s", plainly(limit), than)

	return f
}

func atMostNanos(limit float64, name, unit string) floor {
	return floor{
		text: fmt.Sprintf("at most %s ns per %s", plainly(limit), unit), limit: limit,
		of:   func(r result) spread { return r.of(name, r.row.time) },
		mark: func(result) float64 { return limit },
	}
}

func atMostAllocs(limit float64, name, unit string) floor {
	f := floor{
		text: fmt.Sprintf("at most %s allocations per %s", plainly(limit), unit), limit: limit, allocs: true,
		of: func(r result) spread { return r.of(name, allocs) },
	}
	if limit == 0 {
		f.text, f.limit = "no allocation per "+unit, noAllocation
	}

	return f
}

// verdict is a floor with what was measured.
type verdict struct {
	row, text string
	measured  spread
	holds     bool
}

func (r result) verdicts() []verdict {
	var list []verdict
	for _, f := range r.row.floors {
		s := f.of(r)
		list = append(list, verdict{r.row.name, f.text, s, f.holds(s)})
	}

	return list
}
