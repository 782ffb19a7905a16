package killtest

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"
)

// mostInLine bounds a line of the report, so that the pipe takes it whole or not at all.
const mostInLine = 64

// Report tells the parent what the program has in hand. It is safe for concurrent use.
type Report struct {
	mu   sync.Mutex
	pipe *os.File
	line []byte
}

// take says that messages were handed out at a place.
func (r *Report) take(place string, messages []int) { r.write('+', place, messages) }

// done says that messages were settled there. It must be called after the fact.
func (r *Report) done(place string, messages []int) { r.write('-', place, messages) }

func (r *Report) write(sign byte, place string, messages []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for part := range slices.Chunk(messages, mostInLine) {
		r.line = append(append(r.line[:0], sign), place...)
		for _, m := range part {
			r.line = strconv.AppendInt(append(r.line, ' '), int64(m), 10)
		}
		if _, err := r.pipe.Write(append(r.line, '\n')); err != nil {
			panic(fmt.Sprintf("killtest: report: %v", err))
		}
	}
}

// hand is what a program has in hand, as its report says.
type hand struct {
	open    map[string]map[int]int // at each place, how often
	settled int                    // at the source
}

func newHand() *hand { return &hand{open: make(map[string]map[int]int)} }

// note reads a whole line of the report.
func (h *hand) note(line []byte) error {
	fields := bytes.Fields(line)
	if len(fields) < 2 || len(fields[0]) < 2 {
		return fmt.Errorf("the program reports %q", line)
	}
	place := string(fields[0][1:])
	if h.open[place] == nil {
		h.open[place] = make(map[int]int)
	}
	for _, field := range fields[1:] {
		m, err := strconv.Atoi(string(field))
		if err != nil {
			return fmt.Errorf("the program reports %q: %w", line, err)
		}
		if fields[0][0] == '+' {
			h.open[place][m]++

			continue
		}
		if h.open[place][m]--; h.open[place][m] == 0 {
			delete(h.open[place], m)
		}
		if place == atSource {
			h.settled++
		}
	}

	return nil
}

// messages are those in hand anywhere, and how often: a queue may hold one twice.
func (h *hand) messages() map[int]int {
	all := make(map[int]int)
	for _, open := range h.open {
		for m, n := range open {
			all[m] += n
		}
	}

	return all
}

// places lists where messages are in hand.
func (h *hand) places() []string {
	var list []string
	for _, place := range slices.Sorted(maps.Keys(h.open)) {
		if len(h.open[place]) > 0 {
			list = append(list, place)
		}
	}

	return list
}
