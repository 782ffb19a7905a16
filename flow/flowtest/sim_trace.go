package flowtest

import (
	"fmt"
	"strings"
	"time"
)

// trace is what has happened in a schedule: always as a hash, and as text where somebody
// will read it.
type trace struct {
	verbose bool
	// inner adds the goroutines of the pipeline that went on.
	inner  bool
	sum    uint64
	lines  []string
	number int
	last   time.Time
}

func (t *trace) add(e *effect, f fate) {
	t.sum = mix(t.sum^hash(e.name), uint64(e.nth)<<32+uint64(f.fault)<<8+uint64(f.end))
	if f.done {
		t.sum++
	}
	if e.inner {
		if t.inner {
			t.lines = append(t.lines, fmt.Sprintf("       (%s %d)", e.name, e.nth))
		}

		return
	}
	t.number++
	t.sum = mix(t.sum, uint64(time.Now().UnixNano()))
	if !t.verbose {
		return
	}
	t.pass()
	what := ""
	if e.what != nil {
		what = e.what()
		t.sum = mix(t.sum, hash(what))
	}
	mark := " "
	text := f.text()
	if f.fault != 0 {
		mark = "!"
	}
	if f.fault == Crashing {
		text += " before it happens"
		if f.done {
			text = Crashing.String() + " after it has happened"
		}
	}
	if text != "" {
		what += "  -- " + text
	}
	t.lines = append(t.lines, fmt.Sprintf("%s%4d  %-24s %s", mark, t.number, e.name, what))
}

func (t *trace) start(l *life) {
	if !t.verbose {
		return
	}
	t.pass()
	t.lines = append(t.lines, fmt.Sprintf("       start %d", l.number))
}

func (t *trace) end(l *life) {
	if !t.verbose {
		return
	}
	t.pass()
	text := "       the pipeline has ended"
	if l.err != nil {
		text += ": " + l.err.Error()
	}
	t.lines = append(t.lines, text)
}

// pass notes that time has passed.
func (t *trace) pass() {
	now := time.Now()
	if !t.last.IsZero() && now.After(t.last) {
		t.lines = append(t.lines, fmt.Sprintf("       ... %v later", now.Sub(t.last)))
	}
	t.last = now
}

// mostLines bounds a printed trace.
const mostLines = 120

func (t *trace) text() string {
	lines := t.lines
	if len(lines) > mostLines {
		head, tail := lines[:20], lines[len(lines)-mostLines+20:]
		lines = append(append(append([]string(nil), head...), fmt.Sprintf("       ... %d lines ...",
			len(t.lines)-mostLines)), tail...)
	}

	return strings.Join(lines, "\n")
}
