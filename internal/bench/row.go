package main

import (
	"fmt"
	"slices"
	"time"
)

// row is one job and who does it.
type row struct {
	name string
	// note says under which conditions.
	note string
	// unit is what is counted: "message" where it is empty.
	unit string
	// ours comes first; the baseline runs twice in each round. The rest stand beside them.
	ours, baseline contestant
	others         []contestant
	// arrive gives how many of n messages reach the sink; all of them where it is nil.
	arrive func(n int) int
	// fixed is the number of messages of a job that has one size. Otherwise each contestant
	// gets as many as it does in about the length of a round, and at most most.
	fixed, most int
	// longer makes rounds so many times as long, where the disk takes its time.
	longer int
	// again makes so many times as many rounds, where the ratio of a round says little.
	again int
	// byCPU judges by the time of the processor, which other work on the machine does not
	// stretch: for jobs that every contestant does on one goroutine, without waiting.
	byCPU bool
	// step is what the number is a multiple of.
	step   int
	floors []floor
}

func (r row) unitName() string {
	if r.unit == "" {
		return "message"
	}

	return r.unit
}

// time is what the row is judged by.
func (r row) time(s sample) float64 {
	if r.byCPU {
		return s.CPU
	}

	return s.Nanos
}

func (r row) timeName() string {
	if r.byCPU {
		return "CPU time"
	}

	return "time"
}

func (r row) wanted(n int) int {
	if r.arrive == nil {
		return n
	}

	return r.arrive(n)
}

func (r row) contestants() []contestant {
	list := []contestant{r.ours}
	if r.baseline.ready != nil {
		list = append(list, r.baseline)
	}

	return append(list, r.others...)
}

// control is the name under which the baseline runs a second time.
const control = "A/A"

// plan says how a run measures.
type plan struct {
	rounds int
	// length is how long a round of one contestant should take.
	length time.Duration
	// few has each round process so many messages, whatever it takes.
	few int
	// dir is where files go.
	dir string
}

// result is what the contestants of a row took, by name, one sample for each round.
type result struct {
	row     row
	samples map[string][]sample
}

// run measures a row: every contestant in each round, forwards and backwards in turn,
// so that none always follows the same neighbour.
func (p plan) run(r row) (result, error) {
	list := r.contestants()
	sizes := make([]int, len(list))
	for i, c := range list {
		n, err := p.calibrate(r, c)
		if err != nil {
			return result{}, fmt.Errorf("%s: %w", r.name, err)
		}
		sizes[i] = n
	}
	if r.baseline.ready != nil {
		again := r.baseline
		again.name = control
		list, sizes = append(list, again), slices.Concat(sizes, sizes[1:2])
	}
	res := result{row: r, samples: map[string][]sample{}}
	for round := range p.rounds * max(r.again, 1) {
		for i := range list {
			if round%2 == 1 {
				i = len(list) - 1 - i
			}
			s, err := take(list[i], p.dir, sizes[i], r.wanted(sizes[i]))
			if err != nil {
				return result{}, fmt.Errorf("%s: %w", r.name, err)
			}
			res.samples[list[i].name] = append(res.samples[list[i].name], s)
		}
	}

	return res, nil
}

const firstSize = 256

// calibrate finds how many messages a contestant does in the length of a round. It also
// warms the contestant up.
func (p plan) calibrate(r row, c contestant) (int, error) {
	switch {
	case p.few > 0 && r.fixed == 0:
		return r.round(p.few), nil
	case p.few > 0:
		return min(p.few, r.fixed), nil
	case r.fixed > 0:
		return r.fixed, nil
	}
	length := p.length * time.Duration(max(r.longer, 1))
	for n := r.round(firstSize); ; {
		s, err := take(c, p.dir, n, r.wanted(n))
		if err != nil {
			return 0, err
		}
		if s.Wall >= length/4 || r.most > 0 && n >= r.most {
			return r.round(int(float64(length) / r.time(s))), nil
		}
		n = r.round(n * grow(length, s.Wall))
	}
}

// grow is by how much the size of a round that took so long is increased.
func grow(length, took time.Duration) int {
	return max(2, min(16, int(length/max(took, 1)/2)))
}

// round makes n a multiple of the row's step, within its bound.
func (r row) round(n int) int {
	if r.most > 0 {
		n = min(n, r.most)
	}
	step := max(r.step, 1)

	return max(n/step, 1) * step
}
