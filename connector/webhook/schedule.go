package webhook

import (
	"math/rand/v2"
	"time"
)

// Schedule is how long to wait after each failed attempt: the first entry after the first
// one. There is one more attempt than entries.
type Schedule []time.Duration

// StandardSchedule is the schedule of the specification: ten attempts within 75 hours and
// 35 minutes.
func StandardSchedule() Schedule {
	return Schedule{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
}

// After returns how long to wait after the attempt failed, and false when that was the
// last one. Attempts count from 1; less counts as 1. Up to a tenth is added at random, so
// that attempts which failed together do not come back together.
func (s Schedule) After(attempt int) (time.Duration, bool) {
	attempt = max(attempt, 1)
	if attempt > len(s) {
		return 0, false
	}
	wait := s[attempt-1]

	return wait + rand.N(wait/10+1), true
}
