package boltfile_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/internal/boltfile"
)

// A leader waits a little for those whom the last commit released, while some come and
// where that commit took long.
func TestLineWaitsForTheReleased(t *testing.T) {
	for _, test := range []struct {
		name   string
		commit time.Duration
		come   []time.Duration
		want   int
		waits  time.Duration
	}{
		{"all come", 10 * time.Millisecond, []time.Duration{50 * time.Microsecond, 150 * time.Microsecond}, 3, 200 * time.Microsecond},
		{"one comes", 10 * time.Millisecond, []time.Duration{50 * time.Microsecond}, 2, 200 * time.Microsecond},
		{"nobody comes", 10 * time.Millisecond, nil, 1, 100 * time.Microsecond},
		{"no longer than it is worth", 2 * time.Millisecond, []time.Duration{50 * time.Microsecond, 150 * time.Microsecond}, 2, 100 * time.Microsecond},
		{"a fast disk", time.Millisecond, []time.Duration{50 * time.Microsecond}, 1, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			line := boltfile.NewLine[int]()
			for i := range 3 {
				line.Join(i)
			}
			line.TakeAll()
			time.Sleep(test.commit)
			line.Done()
			for i, after := range test.come {
				go func() {
					time.Sleep(after)
					line.Join(i)
				}()
			}
			line.Join(3)
			start := time.Now()
			if n, waited := len(line.TakeAll()), time.Since(start); n != test.want || waited != test.waits {
				t.Errorf("%s: %d were taken after %v; want %d after %v", test.name, n, waited, test.want, test.waits)
			}
			time.Sleep(time.Second) // for those that come too late
		})
	}
}

// One caller alone never waits.
func TestLineOfOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := boltfile.NewLine[int]()
		start := time.Now()
		for i := range 3 {
			line.Join(i)
			line.TakeAll()
			time.Sleep(time.Second)
			line.Done()
		}
		if waited := time.Since(start); waited != 3*time.Second {
			t.Errorf("three commits of a second took %v", waited)
		}
	})
}
