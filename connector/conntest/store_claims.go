package conntest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// claims holds the cases of a claim that is not lost.
func (c storeCases) claims() {
	c.run("claim/one holder", "", c.oneHolder)
	c.run("claim/one wins", "", c.oneWins)
	c.run("claim/released", "", c.released)
	c.run("claim/confirmed", "", c.confirmOnce)
	c.run("claim/confirmed for a time", "", c.confirmForTime)
	c.run("claim/apart from entries", "", c.apart)
	c.run("claim/lease ends", "", c.claimExpires)
	c.run("claim/extended", "", c.claimExtended)
	c.run("claim/none at all", "", func(t *testing.T) {
		o := c.open(t)
		o.confirm(0)
		o.release()
		o.extend(time.Hour)
	})
}

func (c storeCases) oneHolder(t *testing.T) {
	o := c.open(t)
	o.claim("a", time.Hour)
	o.claimed("a")
	o.claimed("a")
	o.claim("b", time.Hour)
}

func (c storeCases) oneWins(t *testing.T) {
	o := c.open(t)
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			_, err := o.store.Claim(o.ctx, "a", time.Hour)
			if err == nil {
				won.Add(1)
			} else if _, ok := errors.AsType[*connector.ClaimedError](err); !ok {
				t.Errorf("Claim: %v, want a ClaimedError", err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d holders", won.Load())
	}
}

func (c storeCases) released(t *testing.T) {
	o := c.open(t)
	a, b := o.claim("a", time.Hour), o.claim("b", time.Hour)
	o.release(a, b)
	o.release(a)
	o.claim("a", time.Hour)
	o.claim("b", time.Hour)
}

func (c storeCases) confirmOnce(t *testing.T) {
	o := c.open(t)
	a, b := o.claim("a", c.unit()), o.claim("b", c.unit())
	o.confirm(0, a, b)
	o.confirmed("a")
	o.confirmed("b")
	o.release(a) // a confirmation is not given back
	o.confirmed("a")
	pause(t, 2*c.unit()) // nor does it end with the lease
	o.confirmed("a")
}

func (c storeCases) confirmForTime(t *testing.T) {
	o := c.open(t)
	first := o.claim("a", time.Hour)
	o.confirm(2*c.unit(), first)
	pause(t, c.unit())
	o.confirmed("a")
	pause(t, c.unit()+c.unit()/4)
	if second := o.claim("a", time.Hour); second.Token <= first.Token {
		t.Errorf("token %d follows %d", second.Token, first.Token)
	}
}

func (c storeCases) apart(t *testing.T) {
	o := c.open(t)
	o.set("a", "value")
	claim := o.claim("a", time.Hour)
	o.set("b", "value")
	o.confirm(0, claim)
	o.is("a", "value")
	o.keys("", "", "a", "b")
	o.remove("a", connector.Any)
	o.confirmed("a")
}

func (c storeCases) claimExpires(t *testing.T) {
	o := c.open(t)
	o.claim("a", 2*c.unit())
	pause(t, c.unit())
	o.claimed("a")
	pause(t, c.unit()+c.unit()/4)
	o.claim("a", time.Hour)
	o.claimed("a")
}

func (c storeCases) claimExtended(t *testing.T) {
	o := c.open(t)
	a, b := o.claim("a", 2*c.unit()), o.claim("b", 2*c.unit())
	for range 3 {
		pause(t, c.unit())
		o.extend(2*c.unit(), a, b)
	}
	o.claimed("a")
	o.confirm(0, a)
	o.confirmed("a")
	o.release(b)
	o.claim("b", time.Hour)
}

// fencing holds the cases of a claim that was lost.
func (c storeCases) fencing() {
	c.run("fence/tokens grow", "", c.tokensGrow)
	c.run("fence/confirm", "", c.confirmLost)
	c.run("fence/release", "", c.releaseLost)
	c.run("fence/extend", "", c.extendLost)
	c.run("fence/lease ended, nobody came", "", c.confirmLate)
	c.run("fence/released before", "", c.confirmReleased)
	c.run("fence/confirmed twice is harmless", "", func(t *testing.T) {
		o := c.open(t)
		claim := o.claim("a", time.Hour)
		o.confirm(0, claim)
		o.confirm(0, claim) // it was not lost to a later claim
		o.confirmed("a")
	})
}

// lose returns a claim and the later one that it was lost to.
func (c storeCases) lose(o safe, key string) (lost, held connector.Claim) {
	o.t.Helper()
	lost = o.claim(key, c.unit())
	pause(o.t, c.unit()+c.unit()/4)
	held = o.claim(key, time.Hour)
	if held.Token <= lost.Token {
		o.t.Errorf("token %d follows %d", held.Token, lost.Token)
	}

	return lost, held
}

func (c storeCases) tokensGrow(t *testing.T) {
	o := c.open(t)
	last := connector.Version(0)
	for range 5 {
		claim := o.claim("a", time.Hour)
		if claim.Token <= last {
			t.Errorf("token %d follows %d", claim.Token, last)
		}
		last = claim.Token
		o.release(claim)
	}
	c.lose(o, "a")
}

func (c storeCases) confirmLost(t *testing.T) {
	o := c.open(t)
	lost, held := c.lose(o, "a")
	good := o.claim("b", time.Hour)
	o.fenced(o.store.Confirm(o.ctx, 0, good, lost))
	o.claimed("a") // by held, and not confirmed
	o.claimed("b")
	o.confirm(0, held, good)
	o.confirmed("a")
	o.confirmed("b")
}

func (c storeCases) releaseLost(t *testing.T) {
	o := c.open(t)
	lost, held := c.lose(o, "a")
	good := o.claim("b", time.Hour)
	o.release(lost, good)
	o.claimed("a")
	o.claim("b", time.Hour)
	o.confirm(0, held)
	o.confirmed("a")
}

func (c storeCases) extendLost(t *testing.T) {
	o := c.open(t)
	lost, held := c.lose(o, "a")
	good := o.claim("b", 2*c.unit())
	o.fenced(o.store.Extend(o.ctx, time.Hour, lost, good))
	pause(t, 3*c.unit())
	o.claimed("b")
	o.confirm(0, good, held)
}

// confirmLate confirms after the lease when nobody took the key: it may work or be fenced,
// but what it says must be true.
func (c storeCases) confirmLate(t *testing.T) {
	o := c.open(t)
	late := o.claim("a", c.unit())
	pause(t, 2*c.unit())
	switch err := o.store.Confirm(o.ctx, 0, late); {
	case err == nil:
		o.confirmed("a")
	case errors.Is(err, connector.ErrFenced):
		o.claim("a", time.Hour)
	default:
		t.Errorf("Confirm: %v", err)
	}
}

// confirmReleased confirms what was given back and taken by another since.
func (c storeCases) confirmReleased(t *testing.T) {
	o := c.open(t)
	first := o.claim("a", time.Hour)
	o.release(first)
	second := o.claim("a", time.Hour)
	o.fenced(o.store.Confirm(o.ctx, 0, first))
	o.release(second)
	o.fenced(o.store.Confirm(o.ctx, 0, first))
	o.claim("a", time.Hour)
}

// restart holds the cases of a store that outlives the process.
func (c storeCases) restart() {
	missing := unless(c.h.Reopen != nil, "the store does not outlive the process")
	if c.caps.Durable && missing != "" {
		c.t.Error("conntest: the store declares Durable, so the harness needs Reopen")
	}
	c.run("reopen/nothing is lost", missing, c.reopen)
	c.run("reopen/time goes on", missing, c.reopenLater)
}

func (c storeCases) reopen(t *testing.T) {
	o := c.open(t)
	version := o.set("a", "one")
	o.set("gone", "x")
	o.remove("gone", connector.Any)
	o.update(func(tx shelf) error { tx.set("b", "two"); return nil })
	done, open := o.claim("done", time.Hour), o.claim("open", c.unit())
	o.confirm(0, done)
	again := c.wrap(t, c.h.Reopen(t, o.store))
	if entry := again.is("a", "one"); entry.Version != version {
		t.Errorf("version %d, want %d", entry.Version, version)
	}
	again.is("b", "two")
	again.keys("", "", "a", "b")
	again.confirmed("done")
	pause(t, c.unit()+c.unit()/4) // the claim may have survived
	if claim := again.claim("open", time.Hour); claim.Token <= open.Token {
		t.Errorf("token %d follows %d", claim.Token, open.Token)
	}
	if next := again.set("c", "x"); next <= open.Token {
		t.Errorf("version %d follows %d", next, open.Token)
	}
}

func (c storeCases) reopenLater(t *testing.T) {
	o := c.open(t)
	o.put("a", "x", connector.Absent, c.unit())
	o.put("b", "x", connector.Absent, time.Hour)
	o.confirm(c.unit(), o.claim("done", time.Hour))
	again := c.wrap(t, c.h.Reopen(t, o.store))
	pause(t, c.unit()+c.unit()/4)
	again.absent("a")
	again.is("b", "x")
	again.claim("done", time.Hour)
}
