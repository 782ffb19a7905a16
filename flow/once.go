package flow

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/turns"
)

// Once lets each key pass once: the idempotent receiver. A message claims its key, and
// the claim is confirmed when the message has ended below with any outcome but returned,
// and released when it failed. A message whose key is confirmed ends as a duplicate of
// that key; one whose key is in flight in this pipeline waits for the outcome, and shares
// it when it is a failure. Confirmations are forgotten after ttl (zero: never). They are
// kept under the names of the pipeline and the stage: name the stage with As, and keep
// the name. Between an effect and its confirmation a crash can repeat the effect.
func (f Flow[T]) Once[Same Flow[T]](store connector.Store, key func(T) string, ttl time.Duration) Same {
	return Same(onceMessage(f, store, ttl, key != nil, func(_ *connector.Meta, value T) string { return key(value) }))
}

// OncePerMessage is Once with the message's ID as the key: it recognises a message that
// its source hands out again.
func (f Flow[T]) OncePerMessage[Same Flow[T]](store connector.Store, ttl time.Duration) Same {
	return Same(onceMessage(f, store, ttl, true, func(meta *connector.Meta, _ T) string { return meta.ID() }))
}

func onceMessage[T any](
	f Flow[T], store connector.Store, ttl time.Duration, keyed bool, key func(*connector.Meta, T) string,
) Flow[T] {
	n := passNode("once", f.n)
	n.traits |= holds | frames | fails
	n.endpoint = store
	n.require(store != nil, "the store is nil: pass a connector.Store")
	n.require(keyed, "the key function is nil")
	n.require(ttl >= 0, "the ttl is negative")
	n.options = append(n.options, option("ttl", ttl))
	n.wire = func(w *wiring, n *node) any {
		next, c := w.feed(n).(push[T]), w.counter(n)
		g := w.run.gates[n]
		if g == nil {
			g = newGate(w, n, c, store, ttl)
			w.run.gates[n] = g
		}

		return push[T](func(ctx context.Context, it *item, value *T) error {
			c.begin()
			pass, err := g.enter(ctx, c, it, key(it.meta, *value))
			if !pass {
				return err
			}

			return next(ctx, it, value)
		})
	}

	return Flow[T]{n: n}
}

// claimLease is how long a claim lasts without being extended.
const claimLease = time.Minute

// gate is a running Once stage. Confirmations are committed by one goroutine, all that
// have come while the last commit ran together, and none before its outcome (invariant 7).
type gate struct {
	run     *run
	station *station
	store   connector.Store
	prefix  string
	ttl     time.Duration

	mu      sync.Mutex
	changed sync.Cond
	// keys are in flight here; waiting is what they came to.
	keys    map[string]*pass
	waiting []verdict
	// ending is set when all stages have ended, forced when nobody waits any more for
	// messages that do not end.
	ending, forced bool
}

// pass is the right of one message to go on, as a frame on its item.
type pass struct {
	gate  *gate
	claim connector.Claim
	outer frame
	// behind are messages of the same key that came meanwhile.
	behind []*item
}

type verdict struct {
	it   *item
	pass *pass
	err  error
}

func newGate(w *wiring, n *node, c *counter, store connector.Store, ttl time.Duration) *gate {
	g := &gate{
		run: w.run, station: c.station, store: store, ttl: ttl,
		prefix: storeName(w.run.pipeline.name, w.plan.names[n]), keys: make(map[string]*pass),
	}
	g.changed.L = &g.mu
	w.run.starts = append(w.run.starts, func() {
		w.run.spawn(&w.run.serving, g.serve, nil)
		w.run.spawn(&w.run.extending, g.extend, nil)
	})
	w.run.enders = append(w.run.enders, g.end)

	return g
}

// enter claims the key for the item; it reports whether the item goes on.
func (g *gate) enter(ctx context.Context, c *counter, it *item, key string) (bool, error) {
	if key == "" {
		return false, c.fail(it, connector.Permanent(errors.New("the key is empty, so the message could not be recognised")))
	}
	p := &pass{gate: g, claim: connector.Claim{Key: g.prefix + key}, outer: it.frame}
	if g.behind(p, it) {
		return false, errHeld
	}
	err := g.claim(ctx, p)
	if err == nil {
		it.frame = p

		return true, nil
	}
	if _, confirmed := errors.AsType[*connector.ConfirmedError](err); confirmed {
		g.leave(p, nil)
		c.ended(it, connector.Duplicate)

		return false, nil
	}
	err = fmt.Errorf("claim the key: %w", err)
	if _, claimed := errors.AsType[*connector.ClaimedError](err); claimed {
		err = connector.Transient(err)
	}
	g.leave(p, err)

	return false, c.fail(it, err)
}

func (g *gate) claim(ctx context.Context, p *pass) error {
	return guard(func() error {
		claim, err := g.store.Claim(ctx, p.claim.Key, claimLease)
		g.mu.Lock()
		defer g.mu.Unlock()
		p.claim.Token = claim.Token

		return err //nolint:wrapcheck // wrapped by the caller
	})
}

// behind puts the item behind one of the same key, or makes it the first.
func (g *gate) behind(p *pass, it *item) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	first := g.keys[p.claim.Key]
	if first == nil {
		g.keys[p.claim.Key] = p

		return false
	}
	first.behind = append(first.behind, it)

	return true
}

// unwind hands the item over to the goroutine that confirms.
func (p *pass) unwind(it *item, err error) (error, bool) {
	it.frame = p.outer
	g := p.gate
	g.run.pressure.work()
	g.mu.Lock()
	g.waiting = append(g.waiting, verdict{it, p, err})
	g.mu.Unlock()
	g.changed.Broadcast()

	return nil, true
}

// leave lets go of the key, and of the messages behind the first.
func (g *gate) leave(p *pass, err error) {
	g.mu.Lock()
	delete(g.keys, p.claim.Key)
	behind := p.behind
	p.behind = nil
	g.mu.Unlock()
	for _, it := range behind {
		if err == nil {
			it.outcome = connector.Duplicate
			g.station.outcomes[connector.Duplicate].Add(1)
			it.complete(nil)

			continue
		}
		it.complete(fmt.Errorf("it repeats a message that failed: %w", err))
	}
}

// end lets serve return once nothing is in flight.
func (g *gate) end(forced bool) {
	g.mu.Lock()
	g.ending, g.forced = true, forced
	g.mu.Unlock()
	g.changed.Broadcast()
}

func (g *gate) serve() {
	for {
		batch := g.next()
		if batch == nil {
			return
		}
		g.release(batch)
		g.confirm(batch)
		g.run.pressure.moved()
		g.run.pressure.busy.Add(int64(1 - len(batch)))
		g.run.pressure.rest()
	}
}

func (g *gate) next() []verdict {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.waiting) == 0 && !g.forced && (!g.ending || len(g.keys) > 0) {
		turns.Cond(g.run.keeper, "confirmer", &g.changed)
	}
	batch := g.waiting
	g.waiting = nil

	return batch
}

// release gives back the keys of messages that failed.
func (g *gate) release(batch []verdict) {
	var claims []connector.Claim
	for _, v := range batch {
		if v.err != nil {
			claims = append(claims, v.pass.claim)
		}
	}
	if len(claims) == 0 {
		return
	}
	if err := guard(func() error { return g.store.Release(g.run.settleCtx, claims...) }); err != nil {
		g.run.event("releasing claims failed; they end with their lease", g.station, err, claimLease)
	}
	for _, v := range batch {
		if v.err != nil {
			g.leave(v.pass, v.err)
			v.it.complete(v.err)
		}
	}
}

// confirm records the keys of messages that are done.
func (g *gate) confirm(batch []verdict) {
	var done []verdict
	var claims []connector.Claim
	for _, v := range batch {
		if v.err == nil {
			done, claims = append(done, v), append(claims, v.pass.claim)
		}
	}
	if len(done) == 0 {
		return
	}
	err := g.run.settling.Do(g.run.settleCtx, func(ctx context.Context) error {
		return guard(func() error { return g.store.Confirm(ctx, g.ttl, claims...) })
	})
	if errors.Is(err, connector.ErrFenced) && len(done) > 1 {
		for i := range done {
			g.confirm(done[i : i+1])
		}

		return
	}
	for _, v := range done {
		var failed error
		if err != nil {
			failed = connector.Ambiguous(fmt.Errorf("flow %s: stage %s: message %s: the work is done, but was not confirmed: %w",
				g.run.pipeline.name, g.station.name, v.it.meta.ID(), err))
		}
		g.leave(v.pass, failed)
		v.it.complete(failed)
	}
}

// extend renews the claims in flight until everything is settled.
func (g *gate) extend() {
	ticker := time.NewTicker(claimLease / 3)
	defer ticker.Stop()
	for {
		if !g.run.awaitTick(ticker) {
			return
		}
		claims := g.claims()
		if len(claims) == 0 {
			continue
		}
		err := guard(func() error { return g.store.Extend(g.run.settleCtx, claimLease, claims...) })
		if err != nil {
			g.run.event("extending claims failed", g.station, err, claimLease/3)
		}
	}
}

func (g *gate) claims() []connector.Claim {
	g.mu.Lock()
	defer g.mu.Unlock()
	claims := make([]connector.Claim, 0, len(g.keys))
	for _, p := range g.keys {
		if p.claim.Token != 0 {
			claims = append(claims, p.claim)
		}
	}

	return claims
}
