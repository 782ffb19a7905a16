package flowtest

import (
	"strconv"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

// waitingKinds are the stages that hold messages for a time, a number or a store.
func waitingKinds() []kind {
	return []kind{
		{"throttle", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] { return f.Throttle(g.speed()) }},
		{"throttle-keyed", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			return f.KeyBy(parcel.key).Throttle(g.speed())
		}},
		{"resequence", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			wait := time.Duration(g.n(3)) * time.Second
			if g.path.queued && wait == 0 {
				wait = time.Second // a queue waits for what is held before it ends
			}

			return f.KeyBy(parcel.series).Resequence(parcel.number, flow.Sequence{Wait: wait, Held: g.n(2) * 8})
		}},
		{"delay", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			out := f.Delay(g.w.Queue[parcel](g.name("later")), parcel.delay)
			g.path.durable, g.path.queued, g.forgets = true, true, true

			return out.DeadLetter(g.letter())
		}},
		{"delay-memory", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			q := g.w.Queue[parcel](g.name("wait")).Declare(connector.Capabilities{Lease: time.Minute, Delays: true})
			g.path.queued = true

			return f.Delay(q, parcel.delay)
		}},
		{"claims", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			g.remembers = true
			store := g.w.Store("values")
			claims := f.ClaimCheck(store, flow.ClaimConfig{})
			if g.inside || g.n(2) == 0 {
				return claims.Apply(flow.Redeem[parcel](store))
			}
			claims = claims.Via(g.w.Queue[flow.Claim[parcel]](g.name("claims")))
			g.path.durable, g.path.queued, g.forgets = true, true, true

			return claims.Apply(flow.Redeem[parcel](store)).DeadLetter(g.letter())
		}},
	}
}

// speed is a rate that holds messages back, and now and then lets some pass together.
func (g *generator) speed() flow.Rate {
	return flow.Rate{Limit: 1 + g.n(4), Per: time.Second, Burst: g.n(4)}
}

func (p parcel) delay() time.Duration { return time.Duration(p.Orders[0]%4) * time.Second }

// series and number put the orders of each source into three sequences. Each part of an
// order has a sequence of its own.
func (p parcel) series() string {
	return strconv.Itoa(p.Orders[0]/100) + " " + strconv.Itoa(p.place()%3) + " " + strconv.Itoa(p.Part)
}

func (p parcel) number() int64 { return int64(p.place() / 3) }

// place counts the orders of a source from 0.
func (p parcel) place() int { return p.Orders[0]%100 - 1 }

// aggregate completes groups in one of the ways that there are, or in several.
func (g *generator) aggregate(k flow.Keyed[int, parcel]) flow.Flow[parcel] {
	when := flow.Completion{Count: g.n(4), Idle: g.patience(), NewKey: g.n(3) == 0}
	if g.n(3) == 0 {
		when.Interval = when.Idle + time.Second
	}
	if g.path.queued && when.Idle+when.Interval == 0 {
		when.Idle = time.Second
	}
	if when.Count == 0 && when.Idle == 0 {
		when.NewKey = true
	}
	add, full := parcel.with, 2+g.n(3)
	var until []func(parcel) bool
	if g.n(4) == 0 {
		until = append(until, func(p parcel) bool { return len(p.Orders) >= full })
	}
	forced := g.n(4) == 0
	switch {
	case when.Count == 1: // it leaves nothing to the others
		when, until = flow.Completion{Count: 1}, nil
	case forced:
		force := &flow.Force[int]{}
		k = k.ForcedBy(force)
		add = func(sum, p parcel) parcel {
			if p.Orders[0]%4 == 2 {
				_ = force.Complete(p.key()) // a stop or a crash: nobody listens
			}

			return sum.with(p)
		}
	}

	return k.Aggregate(when, add, until...).As(g.name("aggregate")).
		Map(flow.Pure(func(group flow.Group[int, parcel]) parcel { return group.Value }))
}
