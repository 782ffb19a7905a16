package wallclock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/internal/wallclock"
)

// jump sets the clock until the end of the test.
func jump(t *testing.T, by time.Duration) {
	t.Helper()
	wallclock.Jump(by)
	t.Cleanup(func() { wallclock.Jump(-by) })
}

func TestNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		if now := wallclock.Now(); !now.Equal(begin) {
			t.Errorf("%v, package time says %v", now, begin)
		}
		jump(t, 5*time.Hour)
		time.Sleep(time.Minute)
		if now := wallclock.Now(); now.Sub(begin) != 5*time.Hour+time.Minute || now != now.Round(0) {
			t.Errorf("%v after the start and with a monotonic reading: %v", now.Sub(begin), now)
		}
		if at := wallclock.At(time.Now().Add(time.Second)); at.Sub(wallclock.Now()) != time.Second {
			t.Errorf("a second ahead is stored as %v, now is %v", at, wallclock.Now())
		}
	})
}

// TestDue stores what is due a minute later, and reads it ten seconds after that, when the
// clock has jumped.
func TestDue(t *testing.T) {
	tests := []struct {
		name    string
		jump    time.Duration
		stamped bool
		want    time.Duration
	}{
		{"no jump", 0, true, 50 * time.Second},
		{"back by less than has passed", -5 * time.Second, true, 55 * time.Second},
		{"back by hours", -5 * time.Hour, true, time.Minute},
		{"back by hours, without a stamp", -5 * time.Hour, false, 5*time.Hour + 50*time.Second},
		{"forward by less", 20 * time.Second, true, 30 * time.Second},
		{"forward by hours", 5 * time.Hour, true, 50*time.Second - 5*time.Hour},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stamp := wallclock.Now()
				due := stamp.Add(time.Minute)
				time.Sleep(10 * time.Second)
				if !test.stamped {
					stamp = time.Time{}
				}
				jump(t, test.jump)
				if got := time.Until(wallclock.Due(due, stamp)); got != test.want {
					t.Errorf("due in %v, want %v", got, test.want)
				}
			})
		})
	}
}

func TestPast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stored := wallclock.Now()
		time.Sleep(time.Minute)
		if got := time.Since(wallclock.Past(stored)); got != time.Minute {
			t.Errorf("happened %v ago, want 1m", got)
		}
		jump(t, -time.Hour)
		if got := time.Since(wallclock.Past(stored)); got != 0 {
			t.Errorf("happened %v ago, want just now", got)
		}
		if wait := wallclock.Until(stored); wait != time.Hour-time.Minute {
			t.Errorf("comes in %v", wait)
		}
	})
}
