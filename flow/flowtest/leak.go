package flowtest

import (
	"bytes"
	"fmt"
	"reflect"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/millrace-go/millrace/flow"
)

// labelKey is the profiler label that the goroutines of a run inherit. It tells them from
// those of other tests.
const labelKey = "flowtest"

// exiting is how long goroutines outside of a bubble may take to end.
const exiting = time.Second

// leaks returns the stacks of the goroutines that the run has left.
func (r *Running) leaks() []string {
	if rest() {
		return inside(r.label)
	}
	for deadline := time.Now().Add(exiting); ; {
		found := inside(r.label)
		if len(found) == 0 {
			// The profile of goroutines that can never go on does not look into bubbles.
			return stacks("goroutineleak", r.label)
		}
		if time.Now().After(deadline) {
			return found
		}
		time.Sleep(time.Millisecond)
	}
}

// inside returns the stacks that lead through package flow.
func inside(label string) []string {
	var found []string
	within := reflect.TypeFor[flow.Pipeline]().PkgPath() + "."
	for _, stack := range stacks("goroutine", label) {
		if strings.Contains(stack, within) {
			found = append(found, stack)
		}
	}

	return found
}

// stacks returns the records of a goroutine profile that carry the label.
func stacks(profile, label string) []string {
	var text bytes.Buffer
	if err := pprof.Lookup(profile).WriteTo(&text, 1); err != nil {
		return []string{fmt.Sprintf("the %s profile could not be read: %v", profile, err)}
	}
	var found []string
	mark := fmt.Sprintf("%q:%q", labelKey, label)
	for record := range strings.SplitSeq(text.String(), "\n\n") {
		head, stack, _ := strings.Cut(record, "\n#\t")
		if strings.Contains(head, mark) {
			found = append(found, readable(head, stack))
		}
	}

	return found
}

// readable gives how many goroutines have the stack, and a line for each function. The
// head of a record has the number, as in "2 @ 0x47c1ca", below the title of the profile if
// it is the first; the lines of its stack are address, function and place.
func readable(head, stack string) string {
	number, _, _ := strings.Cut(head, " @ ")
	text := "\t" + number[strings.LastIndex(number, "\n")+1:] + " in"
	for line := range strings.Lines(stack) {
		if fields := strings.Fields(strings.TrimPrefix(line, "#")); len(fields) > 1 {
			text += "\n\t\t" + strings.Join(fields[1:], " ")
		}
	}

	return text
}
