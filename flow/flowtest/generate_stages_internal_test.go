package flowtest

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

// work fails, panics or takes time for some parcels.
func (g *generator) work() func(context.Context, parcel) (parcel, error) {
	bad, mod := g.n(5), 5+g.n(9)

	return func(_ context.Context, p parcel) (parcel, error) {
		switch p.Orders[0] % mod {
		case bad:
			return p, errPoison
		case bad + 1:
			if bad == 0 {
				panic("a user function panics")
			}
		}

		return p, nil
	}
}

func (g *generator) letter() *SimSink[connector.DeadLetter[parcel]] {
	l := g.w.Sink[connector.DeadLetter[parcel]](g.name("letters"))
	g.letters = append(g.letters, l)

	return l
}

func (g *generator) step() flow.Step[parcel, parcel] {
	name := g.name("call")
	work := g.work()
	s := flow.Ask(name, g.w.Caller(name, func(p parcel) (parcel, error) { return work(context.Background(), p) }))
	if g.n(2) == 0 {
		s = s.Timeout(10 * time.Second)
	}
	if g.n(2) == 0 {
		s = s.Retry(retry.Policy{Idempotent: g.n(2) == 0})
	}
	if g.n(3) == 0 {
		s = s.Fallback(func(_ context.Context, p parcel, _ error) (parcel, error) { return p, nil })
	}

	return s
}

func kinds() []kind { return append(plainKinds(), waitingKinds()...) }

func plainKinds() []kind {
	return []kind{
		{"map", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] { return f.Map(g.work()) }},
		{"do", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] { return f.Do(g.step()) }},
		{"gather", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			return f.Do(flow.NewGather[parcel, parcel](g.name("gather")).
				Need(g.step(), func(v *parcel, p parcel) { *v = p }).
				Want(g.step(), func(*parcel, parcel, error) {}).Step())
		}},
		{"enrich", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			name := g.name("part")

			return f.Enrich(parcel.key, flow.Ask(name, g.w.Caller(name, func(n int) (int, error) { return n, nil })),
				func(p parcel, _ int) parcel { return p })
		}},
		{"filter", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			mod, name := 4+g.n(5), g.name("filter")
			g.path.filters = append(g.path.filters, name)

			return f.Filter(func(p parcel) bool {
				keep := p.Orders[0]%mod != 1
				if !keep {
					g.excused.note(name, p.Orders)
				}

				return keep
			})
		}},
		{"validate", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			return f.Validate(func(p parcel) error {
				if p.Orders[0]%13 == 7 {
					return errors.New("not valid")
				}

				return nil
			})
		}},
		{"map-message", func(_ *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			return f.MapMessage(func(_ context.Context, m connector.Message[parcel]) (connector.Message[parcel], error) {
				return connector.Message[parcel]{Meta: m.WithHeader("a", "b"), Value: m.Value}, nil
			})
		}},
		{"observe", func(_ *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			return f.Observe(func(connector.Message[parcel]) {})
		}},
		{"split", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			bad := g.n(2) == 0

			return f.Split(func(_ context.Context, p parcel) iter.Seq2[parcel, error] {
				return func(yield func(parcel, error) bool) {
					for i := range 2 {
						if !yield(parcel{Orders: p.Orders, Part: p.Part*2 + i}, nil) {
							return
						}
					}
					if bad && p.Orders[0]%9 == 2 {
						yield(parcel{}, errPoison)
					}
				}
			})
		}},
		{"retry", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			return f.Retry(retry.Policy{Idempotent: g.n(2) == 0})
		}},
		{"dead-letter", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] { return f.DeadLetter(g.letter()) }},
		{"buffer", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			full := flow.Block
			if g.n(4) == 0 && !g.path.durable {
				full, g.drops = flow.Overflow(1+g.n(2)), true
			}

			return f.Buffer(1+g.n(4), full)
		}},
		{"batch-map", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			return g.batch(f).Map(func(_ context.Context, ps []parcel) (parcel, error) {
				all := ps[0]
				for _, p := range ps[1:] {
					all = all.with(p)
				}

				return all, nil
			})
		}},
		{"batch-map-each", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			return g.batch(f).MapEach(func(_ context.Context, ps []parcel) ([]parcel, error) { return ps, nil })
		}},
		{"once", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			g.remembers = true

			return f.OncePerMessage(g.w.Store("state"), 0)
		}},
		{"fold", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] { return g.fold(f.KeyBy(parcel.key)) }},
		{"fold-stored", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			return g.fold(f.KeyBy(parcel.key).StoredIn(g.w.Store("state")))
		}},
		{"aggregate", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] { return g.aggregate(f.KeyBy(parcel.key)) }},
		{"aggregate-stored", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			store := g.w.Store("groups")
			out := g.aggregate(f.KeyBy(parcel.key).StoredIn(store))
			g.path.durable, g.forgets = true, true

			return out.DeadLetter(g.letter())
		}},
		{"parallel", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] { return f.Parallel(1+g.n(3), g.body) }},
		{"unordered", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] { return f.Unordered(1+g.n(3), g.body) }},
		{"keyed", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			return f.KeyBy(parcel.key).Parallel(1+g.n(3), g.body)
		}},
		{"via", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			out := f.Via(g.w.Queue[parcel](g.name("queue")))
			g.path.durable, g.path.queued, g.forgets = true, true, true

			return out.DeadLetter(g.letter())
		}},
		{"via-memory", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			q := g.w.Queue[parcel](g.name("hop")).Declare(connector.Capabilities{Lease: time.Minute})
			g.path.queued = true

			return f.Via(q)
		}},
		{"merge", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			g.path.merged = g.path.merged || g.path.parts > 1 // what comes now has fewer parts

			return flow.Merge(f, g.from("more", 101, 2+g.n(6)))
		}},
		{"tee", func(g *generator, f flow.Flow[parcel]) flow.Flow[parcel] {
			return f.Tee(func(side flow.Flow[parcel]) flow.End { return g.side(side) })
		}},
	}
}

func (g *generator) batch(f flow.Flow[parcel]) flow.Batched[parcel] {
	b := f.Batch(1+g.n(4), g.patience())
	if g.n(3) == 0 {
		b = b.Bytes(5, func(p parcel) int { return len(p.Orders) })
	}

	return b
}

// patience is how long a batch or a group waits.
func (g *generator) patience() time.Duration {
	if g.path.queued || g.n(2) == 0 {
		return time.Duration(1+g.n(3)) * time.Second
	}

	return 0
}

func (g *generator) fold(k flow.Keyed[int, parcel]) flow.Flow[parcel] {
	return k.Fold(parcel.with).As(g.name("fold")).
		Map(flow.Pure(func(group flow.Group[int, parcel]) parcel { return group.Value }))
}
