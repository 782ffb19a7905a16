package main

import (
	"fmt"
	"sync"
	"time"
)

// logged is how many calls of a client are remembered.
const logged = 256

// callLog is what the latest calls of a client came to. Calls count up from 1. It is safe
// for concurrent use.
type callLog struct {
	mu    sync.Mutex
	calls [logged]call
	// late is a call that had an effect when it was forgotten already.
	late int
}

type call struct {
	number, effects, excuses int
	// last is the time of the latest effect, gap that from the one before it.
	last time.Time
	gap  time.Duration
}

// at returns the place of a call, which the one before it leaves then.
func (l *callLog) at(number int) *call {
	c := &l.calls[number%logged]
	if c.number < number {
		*c = call{number: number}
	}

	return c
}

// effect notes an effect. It reports whether it is excused because the service may have
// forgotten the one before.
func (l *callLog) effect(number int, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.at(number)
	if c.number > number {
		l.late = number

		return false
	}
	c.gap, c.last = now.Sub(c.last), now
	forgotten := c.effects > 0 && c.gap >= remembered
	if forgotten {
		c.excuses++
	}
	c.effects++

	return forgotten
}

func (l *callLog) excuse(number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.at(number); c.number == number {
		c.excuses++
	}
}

// check looks at the latest call, which was answered with success, and at those before it.
func (l *callLog) check(latest int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.late > 0 {
		return fmt.Errorf("request %d had another effect after more than %d later ones", l.late, logged/2)
	}
	for n := max(1, latest-logged/2); n <= latest; n++ {
		switch c := l.at(n); {
		case c.effects == 0:
			return fmt.Errorf("request %d was answered with success and has no effect", n)
		case c.effects > 1+c.excuses:
			return fmt.Errorf("request %d had its effect %d times, with %d excuses; the last came %v after the one before",
				n, c.effects, c.excuses, c.gap)
		}
	}

	return nil
}
