package killtest

import (
	"context"
	"testing"
)

// Work is how many messages a target has to get through.
const Work = 400

// Target is a program that is killed.
type Target struct {
	// Name names the test, and tells the program which target it is.
	Name string
	// Prepare makes what is in dir before the first run; nil when there is nothing.
	Prepare func(dir string) error
	// Run works in dir until nothing is left to do, and goes on with what earlier runs left
	// there. It reports what it has in hand.
	Run func(ctx context.Context, dir string, report *Report) error
	// Check looks at what a run that came to its end has left in dir.
	Check func(t testing.TB, dir string, h History)

	kills int // by itself; 0 means killsByItself
}

// History is what the parent knows of the runs on one directory.
type History struct {
	// Kills counts all kills, those with nothing in hand included.
	Kills int
	// Open tells for each message how often kills met it in hand, at whichever place: each
	// time it may have had its effect there already, and comes again.
	Open map[int]int
}

// CheckCounts checks that every message from 0 to [Work] is there, and how often: once
// where repeats is false, and else once more at most for each kill that met it in hand.
func (h History) CheckCounts(t testing.TB, found []int, repeats bool) {
	t.Helper()
	counts := make(map[int]int, Work)
	for _, i := range found {
		if counts[i]++; i < 0 || i >= Work {
			t.Errorf("message %d was never sent", i)
		}
	}
	for i := range Work {
		most := 1
		if repeats {
			most += h.Open[i]
		}
		switch n := counts[i]; {
		case n == 0:
			t.Errorf("message %d is lost", i)
		case n > most:
			t.Errorf("message %d is there %d times, and kills met it in hand %d times: want %d at most", i, n, h.Open[i], most)
		}
	}
}
