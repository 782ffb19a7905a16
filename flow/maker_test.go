package flow_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

var errBad = errors.New("bad value")

// maker builds a random pipeline and knows what must be true of it.
type maker struct {
	t       *testing.T
	rng     *rand.Rand
	queues  []*queueconn.Queue[int]
	ends    []flow.End
	sources []*audited[int]
	sinks   []*memory.Sink[int]
	text    []string
	// ordered holds while nothing in the pipeline may change the order.
	ordered bool
	// caught is set below a DeadLetter, so that permanent failures end.
	caught bool
	// leased is set when a source has a lease: it has no end before everything is settled,
	// so a Batch without a wait never ends by itself.
	leased bool
	// body is set inside a parallel stage, where not every stage is allowed.
	body bool
}

func (m *maker) note(format string, args ...any) {
	m.text = append(m.text, fmt.Sprintf(format, args...))
}

func (m *maker) chance(percent int) bool { return m.rng.IntN(100) < percent }

func (m *maker) source(n int) flow.Flow[int] {
	values := make([]int, n)
	for i := range values {
		values[i] = i
	}
	s := memory.NewSource(values...)
	caps := connector.Capabilities{Returns: m.chance(80), Ordered: m.chance(30)}
	if caps.Ordered {
		caps.Returns = false
	}
	if m.chance(20) {
		caps.Lease, caps.Ordered, m.leased = time.Minute, false, true
	}
	s.Declare(caps)
	if m.chance(20) {
		s.ScriptRead(memory.Pass().Delay(time.Second), memory.Fail(connector.Transient(errBad)),
			memory.PassThenFail(connector.Transient(errBad)))
	}
	if m.chance(20) {
		s.ScriptSettle(memory.Pass(), memory.Fail(connector.Transient(errBad)), memory.Pass().Delay(time.Second))
	}
	a := audit[int](m.t, s)
	m.sources = append(m.sources, a)
	m.note("from(%d, returns %v, ordered %v, lease %v)", n, caps.Returns, caps.Ordered, caps.Lease)

	return flow.From(a)
}

func (m *maker) sink() connector.Sink[int] {
	s := memory.NewSink[int]()
	m.sinks = append(m.sinks, s)
	switch m.rng.IntN(5) {
	case 0:
		m.note("slow sink")
		s.Script(memory.Pass().Delay(100 * time.Millisecond).Times(20))
	case 1:
		m.note("failing sink")
		s.Script(memory.Pass(), memory.Fail(connector.Transient(errBad)).Times(2), memory.Pass(), memory.PassThenFail(connector.Ambiguous(errBad)))
	case 2:
		if m.caught {
			m.note("refusing sink")
			s.FailWhen(func(n int) error {
				if n%11 == 3 {
					return connector.Permanent(errBad)
				}

				return nil
			})
		}
	}

	return s
}

// bad returns a function that fails, panics or is slow for some values, and the values
// that never pass it.
func (m *maker) bad() (fn func(context.Context, int) (int, error), never func(int) bool) {
	kind, prime := m.rng.IntN(4), []int{5, 7, 13, 17}[m.rng.IntN(4)]
	hit := func(n int) bool { return n%prime == 1 }
	if kind < 2 && !m.caught {
		kind = 2
	}
	m.note("  fault %d at %d", kind, prime)
	switch kind {
	case 0:
		return func(_ context.Context, n int) (int, error) {
			if hit(n) {
				return 0, connector.Permanent(errBad)
			}

			return n, nil
		}, hit
	case 1:
		return func(_ context.Context, n int) (int, error) {
			if hit(n) {
				panic("panic at a value")
			}

			return n, nil
		}, hit
	case 2:
		return func(ctx context.Context, n int) (int, error) {
			if hit(n) {
				select {
				case <-time.After(time.Duration(n) * time.Millisecond):
				case <-ctx.Done():
					return 0, ctx.Err()
				}
			}

			return n, nil
		}, nil
	default:
		return func(_ context.Context, n int) (int, error) { return n, nil }, nil
	}
}

// guardBelow checks that values which fail in a stage do not come out of it.
func (m *maker) guardBelow(f flow.Flow[int], never func(int) bool) flow.Flow[int] {
	if never == nil {
		return f
	}

	return f.Observe(func(msg connector.Message[int]) {
		if never(msg.Value) {
			m.t.Errorf("value %d was let through by the stage that failed it", msg.Value)
		}
	})
}

func same(_ context.Context, n int) (int, error) { return n, nil }

func parts(fail func(context.Context, int) (int, error)) func(context.Context, int) iter.Seq2[int, error] {
	return func(ctx context.Context, n int) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for i := range n % 4 {
				if i == 2 {
					if _, err := fail(ctx, n); err != nil {
						yield(0, err)

						return
					}
				}
				if !yield(n, nil) {
					return
				}
			}
		}
	}
}

// stage adds one stage.
func (m *maker) stage(f flow.Flow[int]) flow.Flow[int] {
	count := 26
	if m.body {
		count = 10
	}
	switch kind := m.rng.IntN(count); kind {
	case 0:
		m.note("map")
		fn, never := m.bad()

		return m.guardBelow(f.Map(fn), never)
	case 1:
		m.note("map-message")
		fn, never := m.bad()

		return m.guardBelow(f.MapMessage(func(ctx context.Context, in connector.Message[int]) (connector.Message[int], error) {
			n, err := fn(ctx, in.Value)

			return connector.Message[int]{Meta: in.WithHeader("seen", "yes"), Value: n}, err
		}), never)
	case 2:
		m.note("filter")

		return f.Filter(func(n int) bool { return n%9 != 4 })
	case 3:
		m.note("validate")
		fn, never := m.bad()

		return m.guardBelow(f.Validate(func(n int) error { _, err := fn(context.Background(), n); return err }), never)
	case 4:
		m.note("do")
		fn, never := m.bad()

		return m.guardBelow(f.Do(flow.Func("step", fn).Timeout(time.Minute)), never)
	case 5:
		m.note("enrich")
		fn, never := m.bad()

		return m.guardBelow(f.Enrich(func(n int) int { return n }, flow.Func("part", fn), func(a, _ int) int { return a }), never)
	case 6:
		m.note("split")
		fn, _ := m.bad()

		return f.Split(parts(fn))
	case 7:
		m.note("dead letter")
		m.caught = true
		dead := memory.NewSink[connector.DeadLetter[int]]()
		if m.chance(30) {
			m.note("  its sink fails at times")
			dead.Script(memory.Pass(), memory.Fail(connector.Transient(errBad)), memory.Pass())
		}

		return f.DeadLetter(dead)
	case 8:
		m.note("tee")

		return f.Tee(func(side flow.Flow[int]) flow.End {
			to := m.sink()
			if m.body {
				// Only the results of a parallel stage keep the order, not what ends inside.
				m.sinks = m.sinks[:len(m.sinks)-1]
			}

			return side.To(to)
		})
	case 9:
		m.note("fold")

		return f.KeyBy(func(n int) int { return n % 3 }).Fold(func(_, n int) int { return n }).
			Map(func(_ context.Context, g flow.Group[int, int]) (int, error) { return g.Value, nil })
	default:
		return m.keeper(f, kind)
	}
}

// keeper adds a stage that keeps messages or runs things elsewhere.
func (m *maker) keeper(f flow.Flow[int], kind int) flow.Flow[int] {
	wait := time.Duration(m.rng.IntN(3)) * 50 * time.Millisecond
	switch kind {
	case 10:
		m.note("batch map-each, wait %v", wait)
		fn, _ := m.bad()

		return f.Batch(1+m.rng.IntN(20), wait).MapEach(func(ctx context.Context, ns []int) ([]int, error) {
			_, err := fn(ctx, ns[0])

			return ns, err
		})
	case 11:
		m.note("batch map, wait %v", wait)
		fn, _ := m.bad()

		return f.Batch(1+m.rng.IntN(20), wait).Map(func(ctx context.Context, ns []int) (int, error) { return fn(ctx, ns[0]) })
	case 12:
		m.note("slices and split, wait %v", wait)

		return f.Batch(1+m.rng.IntN(20), wait).Bytes(30, func(n int) int { return n % 10 }).Slices().
			Split(func(_ context.Context, ns []int) iter.Seq2[int, error] {
				return func(yield func(int, error) bool) {
					for _, n := range ns {
						if !yield(n, nil) {
							return
						}
					}
				}
			})
	case 13:
		m.note("once")
		store := memory.NewStore()
		if m.chance(30) {
			store.Script(memory.OpClaim, memory.Pass(), memory.Fail(connector.Transient(errBad)))
			store.Script(memory.OpConfirm, memory.Pass(), memory.Fail(connector.Transient(errBad)))
		}

		return f.Once(store, func(n int) string { return fmt.Sprint(n % 40) }, time.Hour)
	case 14:
		m.note("once per message")

		return f.OncePerMessage(memory.NewStore(), 0)
	case 15:
		return m.parallel(f)
	case 16:
		m.note("stored fold")
		store := memory.NewStore()
		if m.chance(30) {
			store.Script(memory.OpUpdate, memory.Pass(), memory.Fail(connector.Transient(errBad)))
		}

		return f.KeyBy(func(n int) int { return n % 3 }).StoredIn(store).Fold(func(_, n int) int { return n }).
			Map(func(_ context.Context, g flow.Group[int, int]) (int, error) { return g.Value, nil })
	case 17, 18:
		m.ordered = false
		when, until := m.completion(wait)
		m.note("aggregate %+v, %d predicates, stored %v", when, len(until), kind == 18)
		keyed := f.KeyBy(func(n int) int { return n % 3 })
		if m.chance(20) && when.Count != 1 {
			m.note("  forced at times")
			force := new(flow.Force[int])
			keyed = f.Observe(func(in connector.Message[int]) { m.force(force, in.Value) }).
				KeyBy(func(n int) int { return n % 3 }).ForcedBy(force)
		}
		if kind == 18 {
			m.caught = true // nothing below it goes back to the source, so add its own catch
			keyed = keyed.StoredIn(memory.NewStore())
		}
		out := keyed.Aggregate(when, func(_, n int) int { return n }, until...).
			Map(func(_ context.Context, g flow.Group[int, int]) (int, error) { return g.Value, nil })
		if kind == 18 {
			out = out.DeadLetter(memory.NewSink[connector.DeadLetter[int]]())
		}

		return out
	case 19:
		policy := flow.Overflow(m.rng.IntN(3))
		m.note("buffer %v", policy)

		return f.Buffer(1+m.rng.IntN(10), policy)
	case 20:
		m.note("merge")
		m.ordered = false
		caught := m.caught
		m.caught = false
		other := m.source(m.rng.IntN(40))
		m.caught = caught && m.chance(0) // the other flow has no DeadLetter above it

		return flow.Merge(f, other)
	case 21:
		return m.resequence(f)
	case 24:
		m.note("claim check")
		store := memory.NewStore()
		if m.caught && m.chance(30) {
			m.note("  its store fails at times")
			store.Script(memory.OpUpdate, memory.Pass(), memory.Fail(connector.Transient(errBad)), memory.Pass().Times(3), memory.Fail(errBad))
			store.Script(memory.OpGet, memory.Pass().Times(5), memory.Fail(connector.Transient(errBad)))
		}

		return f.ClaimCheck(store, flow.ClaimConfig{}).Apply(flow.Redeem[int](store))
	case 23:
		m.note("delay")
		m.ordered = false
		q := memoryQueue(m.t, 200)
		m.queues = append(m.queues, q)

		return f.Delay(q, func(n int) time.Duration { return time.Duration(n%3) * wait })
	case 22:
		rate := flow.Rate{Limit: 1 + m.rng.IntN(50), Per: time.Second, Burst: m.rng.IntN(10)}
		keyed := m.chance(50)
		m.note("throttle %+v, keyed %v", rate, keyed)
		if !keyed {
			return f.Throttle(rate)
		}
		m.ordered = false

		return f.KeyBy(func(n int) int { return n % 3 }).Throttle(rate)
	default:
		m.note("via")
		q, err := queueconn.NewMemory[int](queueconn.Config{MaxMessages: 1 + m.rng.IntN(50)})
		if err != nil {
			m.t.Fatal(err)
		}
		m.queues = append(m.queues, q)

		return f.Via(q)
	}
}

// completion makes the end of a group: any that is not contradictory.
func (m *maker) completion(wait time.Duration) (flow.Completion, []func(int) bool) {
	when := flow.Completion{Count: m.rng.IntN(5) + 1}
	if when.Count == 1 {
		return when, nil
	}
	when.Idle, when.NewKey = wait, m.chance(30)
	if m.chance(30) {
		when.Interval = wait + time.Duration(1+m.rng.IntN(3))*50*time.Millisecond
	}
	if m.chance(30) {
		return when, []func(int) bool{func(n int) bool { return n%5 == 0 }}
	}

	return when, nil
}

// resequence has gaps, repeats and numbers out of order.
func (m *maker) resequence(f flow.Flow[int]) flow.Flow[int] {
	m.ordered = false
	s := flow.Sequence{First: int64(m.rng.IntN(3)), Wait: time.Duration(m.rng.IntN(3)) * 100 * time.Millisecond}
	if m.chance(50) {
		s.Held = 1 + m.rng.IntN(20)
	}
	m.note("resequence %+v", s)
	m.caught = true

	return f.DeadLetter(memory.NewSink[connector.DeadLetter[int]]()).KeyBy(func(n int) int { return n % 3 }).Resequence(func(n int) int64 { return int64(n/3 ^ 1) }, s)
}

// force completes groups at some values.
func (m *maker) force(force *flow.Force[int], n int) {
	var err error
	switch n % 8 {
	case 2:
		err = force.Complete(n % 3)
	case 7:
		err = force.CompleteAll()
	}
	if err != nil && !errors.Is(err, flow.ErrForceBusy) {
		m.t.Errorf("force: %v", err)
	}
}

func (m *maker) parallel(f flow.Flow[int]) flow.Flow[int] {
	kind := m.rng.IntN(3)
	m.note("parallel %d {", kind)
	defer m.note("}")
	caught := m.caught
	body := func(f flow.Flow[int]) flow.Flow[int] {
		m.body = true
		defer func() { m.body, m.caught = false, caught }()
		for range m.rng.IntN(3) {
			f = m.stage(f)
		}

		return f
	}
	n := 1 + m.rng.IntN(6)
	if kind > 0 {
		m.ordered = false
	}
	switch kind {
	case 0:
		return f.Parallel(n, body)
	case 1:
		return f.Unordered(n, body)
	default:
		return f.KeyBy(func(n int) int { return n % 5 }).Parallel(n, body)
	}
}

// end closes the flow in one of the ways.
func (m *maker) end(f flow.Flow[int]) {
	switch m.rng.IntN(6) {
	case 0:
		m.note("to")
		m.ends = append(m.ends, f.To(m.sink()))
	case 1:
		m.note("retry, to")
		m.ends = append(m.ends, f.Retry(retry.Policy{Attempts: 4}).Map(same).To(m.sink()))
	case 2:
		m.note("batch to")
		m.ends = append(m.ends, f.Batch(1+m.rng.IntN(30), time.Duration(m.rng.IntN(2))*time.Second).To(
			flow.Into(m.sink()).Retry(retry.Policy{Attempts: 3})))
	case 3:
		m.note("for each")
		fn, _ := m.bad()
		m.ends = append(m.ends, f.ForEach(func(ctx context.Context, n int) error { _, err := fn(ctx, n); return err }))
	case 4:
		m.note("route")
		m.ends = append(m.ends, f.Route().
			Case("even", func(n int) bool { return n%2 == 0 }, func(f flow.Flow[int]) flow.End { return f.To(m.sink()) }).
			Else(func(f flow.Flow[int]) flow.End { return f.Batch(5, time.Second).To(m.sink()) }))
	default:
		m.note("broadcast")
		m.ends = append(m.ends, f.To(m.sink()), f.Batch(7, 0).To(m.sink()))
	}
}

func (m *maker) build() *flow.Pipeline {
	f := m.source(m.rng.IntN(150))
	for range m.rng.IntN(7) {
		f = m.stage(f)
	}
	m.end(f)
	config := flow.Config{MaxInFlight: 30 + m.rng.IntN(50), Drain: time.Minute}
	for _, s := range m.sources {
		s.most = config.MaxInFlight
	}

	return flow.New("random", m.ends...).With(config)
}
