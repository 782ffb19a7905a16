package flow_test

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

var errPanic = errors.New("thrown")

// thrower panics for the value 2, the first time or always.
func thrower[In, Out any](is func(In) bool, then func(In) Out) func(In) Out {
	return func(in In) Out {
		if is(in) {
			panic(errPanic)
		}

		return then(in)
	}
}

func two(n int) bool { return n == 2 }

func self(n int) int { return n }

func yes(int) bool { return true }

// panicking has a user function of every stage panic for the value 2; the stage is the
// one to blame.
func panicking(t *testing.T) map[string]func(f flow.Flow[int]) flow.Flow[int] {
	t.Helper()
	throw := thrower(two, self)
	fail := func(_ context.Context, n int) (int, error) { return throw(n), nil }
	failAll := func(_ context.Context, ns []int) ([]int, error) {
		for _, n := range ns {
			throw(n)
		}

		return ns, nil
	}
	panicSink := connector.SinkFunc[int](func(_ context.Context, ms []connector.Message[int]) error {
		for _, m := range ms {
			throw(m.Value)
		}

		return nil
	})

	return map[string]func(f flow.Flow[int]) flow.Flow[int]{
		"map": func(f flow.Flow[int]) flow.Flow[int] { return f.Map(fail) },
		"map-message": func(f flow.Flow[int]) flow.Flow[int] {
			return f.MapMessage(func(_ context.Context, m connector.Message[int]) (connector.Message[int], error) {
				throw(m.Value)
				return m, nil
			})
		},
		"filter": func(f flow.Flow[int]) flow.Flow[int] { return f.Filter(thrower(two, yes)) },
		"observe": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Observe(func(m connector.Message[int]) { throw(m.Value) })
		},
		"validate":    func(f flow.Flow[int]) flow.Flow[int] { return f.Validate(func(n int) error { throw(n); return nil }) },
		"do":          func(f flow.Flow[int]) flow.Flow[int] { return f.Do(flow.Func("step", fail)) },
		"enrich key":  func(f flow.Flow[int]) flow.Flow[int] { return f.Enrich(throw, flow.Func("step", same), max2) },
		"enrich step": func(f flow.Flow[int]) flow.Flow[int] { return f.Enrich(self, flow.Func("step", fail), max2) },
		"enrich with": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Enrich(self, flow.Func("step", same), func(n, _ int) int { return throw(n) })
		},
		"split func": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Split(func(_ context.Context, n int) iter.Seq2[int, error] { throw(n); return once(n) })
		},
		"split parts": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Split(func(_ context.Context, n int) iter.Seq2[int, error] {
				return func(yield func(int, error) bool) { _ = yield(n, nil) && yield(throw(n), nil) }
			})
		},
		"once": func(f flow.Flow[int]) flow.Flow[int] { return f.Once(memory.NewStore(), thrower(two, byTen), 0) },
		"batch size": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Map(same).Batch(1, 0).Bytes(10, throw).MapEach(sameAll)
		},
		"batch each": func(f flow.Flow[int]) flow.Flow[int] { return f.Batch(1, 0).MapEach(failAll) },
		"batch map": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Batch(1, 0).Map(func(ctx context.Context, ns []int) (int, error) { _, err := failAll(ctx, ns); return ns[0], err })
		},
		"fold key": func(f flow.Flow[int]) flow.Flow[int] { return f.KeyBy(throw).Fold(sumUp).Map(value) },
		"fold": func(f flow.Flow[int]) flow.Flow[int] {
			return f.KeyBy(byOne).Fold(func(_, n int) int { return throw(n) }).Map(value)
		},
		"stored fold": func(f flow.Flow[int]) flow.Flow[int] {
			return f.KeyBy(byOne).StoredIn(memory.NewStore()).Fold(func(_, n int) int { return throw(n) }).Map(value)
		},
		"group key": func(f flow.Flow[int]) flow.Flow[int] {
			return f.KeyBy(throw).Aggregate(flow.Completion{Count: 1}, sumUp).Map(value)
		},
		"group": func(f flow.Flow[int]) flow.Flow[int] {
			return f.KeyBy(self).Aggregate(flow.Completion{Count: 2, NewKey: true}, func(_, n int) int { return throw(n) }).Map(value)
		},
		"group predicate": func(f flow.Flow[int]) flow.Flow[int] {
			return f.KeyBy(self).Aggregate(flow.Completion{NewKey: true}, sumUp, thrower(two, yes)).Map(value)
		},
		"stored group predicate": func(f flow.Flow[int]) flow.Flow[int] {
			return f.KeyBy(self).StoredIn(memory.NewStore()).Aggregate(flow.Completion{}, sumUp, thrower(two, yes)).Map(value)
		},
		"stored group": func(f flow.Flow[int]) flow.Flow[int] {
			return f.KeyBy(self).StoredIn(memory.NewStore()).Aggregate(flow.Completion{Count: 1}, func(_, n int) int { return throw(n) }).Map(value)
		},
		"resequence key": func(f flow.Flow[int]) flow.Flow[int] {
			return f.KeyBy(throw).Resequence(toInt64(self), flow.Sequence{Wait: 1})
		},
		"resequence": func(f flow.Flow[int]) flow.Flow[int] {
			return f.KeyBy(self).Resequence(toInt64(throw), flow.Sequence{Wait: 1})
		},
		"delay": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Delay(memoryQueue(t, 10), func(n int) time.Duration { return inSeconds(throw(n)) })
		},
		"throttle key": func(f flow.Flow[int]) flow.Flow[int] {
			return f.KeyBy(throw).Throttle(flow.Rate{Limit: 1, Per: time.Second})
		},
		"below a throttle": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Throttle(flow.Rate{Limit: 1, Per: time.Second}).Map(fail)
		},
		"keyed": func(f flow.Flow[int]) flow.Flow[int] {
			return f.KeyBy(throw).Parallel(2, func(f flow.Flow[int]) flow.Flow[int] { return f.Map(same) })
		},
		"parallel": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Parallel(2, func(f flow.Flow[int]) flow.Flow[int] { return f.Map(fail) })
		},
		"tee sink": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Tee(func(f flow.Flow[int]) flow.End { return f.To(panicSink) })
		},
		"tee for-each": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Tee(func(f flow.Flow[int]) flow.End {
				return f.ForEach(func(_ context.Context, n int) error { throw(n); return nil })
			})
		},
		"batch sink": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Tee(func(f flow.Flow[int]) flow.End { return f.Batch(1, 0).To(panicSink) })
		},
		"delivery": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Tee(func(f flow.Flow[int]) flow.End {
				return f.To(flow.Into[int](panicSink).Retry(retry.Policy{}).Timeout(time.Second))
			})
		},
		"route": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Tee(func(f flow.Flow[int]) flow.End {
				return f.Route().Case("a", thrower(two, yes), into(memory.NewSink[int]())).Else(into(memory.NewSink[int]()))
			})
		},
		"behind a buffer": func(f flow.Flow[int]) flow.Flow[int] { return f.Buffer(2, flow.Block).Map(fail) },
		"below a retry": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Tee(func(f flow.Flow[int]) flow.End { return f.Retry(retry.Policy{}).Map(fail).To(memory.NewSink[int]()) })
		},
	}
}

func toInt64(number func(int) int) func(int) int64 {
	return func(n int) int64 { return int64(number(n)) }
}

func max2(a, b int) int { return max(a, b) }

func once(n int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) { yield(n, nil) }
}

// TestPanicFailsItsMessage: it becomes an error with stage, message and stack, and
// settles the message like any error, whatever panicked.
func TestPanicFailsItsMessage(t *testing.T) {
	for name, stage := range panicking(t) {
		bubble(t, name, func(t *testing.T) {
			source, rejected := memory.NewSource(1, 2, 3), newDead()
			a := audit(t, source)
			f := stage(flow.From(a).DeadLetter(rejected)).As("culprit")
			p := flow.New("panics", f.To(memory.NewSink[int]()))
			mustRun(t, p)
			a.ended()
			l := p.Ledger()
			if l.Source != (flow.Line{In: 3, Delivered: 2, DeadLettered: 1}) || !l.Balanced() || l.Derived.InFlight != 0 {
				t.Errorf("ledger %v", l)
			}
			letters := rejected.Values()
			if len(letters) != 1 || letters[0].Value != 2 || letters[0].Class != "permanent" {
				t.Fatalf("letters %+v", letters)
			}
			wantPanic(t, letters[0].Err, "memory:2")
		})
	}
}

// wantPanic checks what the error of a panic tells.
func wantPanic(t *testing.T, err error, message string) {
	t.Helper()
	panicked, ok := errors.AsType[*flow.PanicError](err)
	if !ok || !errors.Is(err, errPanic) || !strings.Contains(string(panicked.Stack), "panic_test.go") {
		t.Errorf("error %v, want the panic with the stack of the function", err)
	}
	at, ok := errors.AsType[*flow.StageError](err)
	if !ok || !strings.HasPrefix(at.Message, message) || !strings.Contains(at.At, "panic_test.go:") || at.Stage == "from" || at.Stage == "dead-letter" {
		t.Errorf("the blame is on %+v", at)
	}
}

// panicReader panics in one of its methods.
type panicReader struct {
	connector.Reader[int]

	in string
}

type panicSource struct {
	*memory.Source[int]

	in string
}

func (s panicSource) Open(ctx context.Context) (connector.Reader[int], error) {
	if s.in == "Open" {
		panic(errPanic)
	}
	r, err := s.Source.Open(ctx)

	return panicReader{Reader: r, in: s.in}, err
}

func (r panicReader) Read(ctx context.Context, most int) ([]connector.Message[int], error) {
	if r.in == "Read" {
		panic(errPanic)
	}

	return r.Reader.Read(ctx, most)
}

func (r panicReader) Settle(ctx context.Context, s []connector.Settlement) error {
	if r.in == "Settle" {
		panic(errPanic)
	}

	return r.Reader.Settle(ctx, s)
}

func (r panicReader) Extend(context.Context, []connector.Position) error { panic(errPanic) }

func (r panicReader) Close() error {
	if r.in == "Close" {
		panic(errPanic)
	}

	return r.Reader.Close()
}

func TestPanicOfADriver(t *testing.T) {
	for _, in := range []string{"Open", "Read", "Settle", "Close"} {
		both(t, in, func(t *testing.T, from func(connector.Source[int]) flow.Flow[int]) {
			p := flow.New("driver", from(panicSource{memory.NewSource(1), in}).To(memory.NewSink[int]()))
			err := p.Run(t.Context())
			panicked, ok := errors.AsType[*flow.PanicError](err)
			if !ok || !strings.Contains(string(panicked.Stack), "panic_test.go") {
				t.Errorf("error %v", err)
			}
			if l := p.Ledger(); !l.Balanced() || l.Source.InFlight != 0 {
				t.Errorf("ledger %v", l)
			}
		})
	}
	bubble(t, "Extend", func(t *testing.T) {
		source := memory.NewSource(1)
		source.Declare(connector.Capabilities{Returns: true, Lease: time.Minute})
		p := flow.New("driver", flow.From(panicSource{source, "Extend"}).ForEach(func(context.Context, int) error {
			time.Sleep(30 * time.Second)

			return nil
		}))
		mustRun(t, p)
		wantLedger(t, p, flow.Line{In: 1, Delivered: 1}, flow.Line{})
	})
	bubble(t, "Flush", func(t *testing.T) {
		err := flow.New("driver", flow.From(memory.NewSource(1)).To(panicFlush{})).Run(t.Context())
		if _, ok := errors.AsType[*flow.PanicError](err); !ok {
			t.Errorf("error %v", err)
		}
	})
}

type panicFlush struct{}

func (panicFlush) Write(context.Context, []connector.Message[int]) error { return nil }
func (panicFlush) Flush(context.Context) error                           { panic(errPanic) }

// panicStore panics in one of its methods.
type panicStore struct {
	*memory.Store

	in string
}

func (s panicStore) Claim(ctx context.Context, key string, lease time.Duration) (connector.Claim, error) {
	if s.in == "Claim" {
		panic(errPanic)
	}

	return s.Store.Claim(ctx, key, lease)
}

func (s panicStore) Confirm(ctx context.Context, ttl time.Duration, claims ...connector.Claim) error {
	if s.in == "Confirm" {
		panic(errPanic)
	}

	return s.Store.Confirm(ctx, ttl, claims...)
}

func (s panicStore) Release(ctx context.Context, claims ...connector.Claim) error {
	if s.in == "Release" {
		panic(errPanic)
	}

	return s.Store.Release(ctx, claims...)
}

func (s panicStore) Extend(ctx context.Context, lease time.Duration, claims ...connector.Claim) error {
	if s.in == "Extend" {
		panic(errPanic)
	}

	return s.Store.Extend(ctx, lease, claims...)
}

func (s panicStore) Get(ctx context.Context, key string) (connector.Entry, error) {
	if s.in == "Get" {
		panic(errPanic)
	}

	return s.Store.Get(ctx, key)
}

func (s panicStore) Update(ctx context.Context, fn func(connector.KV) error) error {
	if s.in == "Update" {
		panic(errPanic)
	}

	return s.Store.Update(ctx, fn)
}

func (s panicStore) Scan(ctx context.Context, from, to string) iter.Seq2[connector.Entry, error] {
	if s.in == "Scan" {
		panic(errPanic)
	}

	return s.Store.Scan(ctx, from, to)
}

func TestPanicOfAStore(t *testing.T) {
	slow := func(_ context.Context, n int) (int, error) {
		time.Sleep(time.Hour)
		if n == 2 {
			return 0, errBad
		}

		return n, nil
	}
	tests := []struct {
		in      string
		message bool
	}{{"Claim", true}, {"Confirm", true}, {"Release", false}, {"Extend", false}, {"Update", true}, {"Update a claim", true}, {"Get", true}}
	for _, test := range tests {
		bubble(t, test.in, func(t *testing.T) {
			store, rejected := panicStore{memory.NewStore(), test.in}, newDead()
			f := flow.From(memory.NewSource(1, 2)).DeadLetter(rejected)
			switch test.in {
			case "Update a claim":
				f = f.ClaimCheck(panicStore{memory.NewStore(), "Update"}, flow.ClaimConfig{}).Apply(flow.Redeem[int](store))
			case "Get":
				f = f.ClaimCheck(store, flow.ClaimConfig{}).Apply(flow.Redeem[int](store))
			case "Update":
				f = f.KeyBy(byOne).StoredIn(store).Fold(sumUp).Map(value)
			default:
				f = f.OncePerMessage(store, 0)
			}
			p := flow.New("store", f.Map(slow).To(memory.NewSink[int]()))
			mustRun(t, p)
			_, thrown := errors.AsType[*flow.PanicError](rejected.Values()[0].Err)
			if thrown != test.message || p.Ledger().Source.In != 2 || !p.Ledger().Balanced() {
				t.Errorf("%v, letters %+v", p.Ledger(), rejected.Values())
			}
		})
	}
	bubble(t, "Scan", func(t *testing.T) {
		err := flow.New("store", flow.From(memory.NewSource(1)).KeyBy(byOne).StoredIn(panicStore{memory.NewStore(), "Scan"}).
			Aggregate(flow.Completion{Count: 1}, sumUp).To(memory.NewSink[group]())).Run(t.Context())
		if _, ok := errors.AsType[*flow.PanicError](err); !ok {
			t.Errorf("error %v", err)
		}
	})
}

// TestGoexit: a user function that ends its goroutine, as t.FailNow does, must not make
// anyone wait for ever. The run stops, and the message is not taken for done.
func TestGoexit(t *testing.T) {
	exit := func(_ context.Context, n int) (int, error) {
		if n == 40 {
			runtime.Goexit()
		}

		return n, nil
	}
	type part = func(flow.Flow[int]) flow.Flow[int]
	for name, stage := range map[string]part{
		"inline":    func(f flow.Flow[int]) flow.Flow[int] { return f.Map(exit) },
		"split":     func(f flow.Flow[int]) flow.Flow[int] { return f.Split(twice).Map(exit) },
		"on a lane": func(f flow.Flow[int]) flow.Flow[int] { return f.Map(exit).Batch(3, 0).MapEach(sameAll) },
		"buffer":    func(f flow.Flow[int]) flow.Flow[int] { return f.Buffer(2, flow.Block).Map(exit) },
		"parallel": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Parallel(3, func(f flow.Flow[int]) flow.Flow[int] { return f.Map(exit) })
		},
		"below it":      func(f flow.Flow[int]) flow.Flow[int] { return f.Parallel(3, nothing).Map(exit) },
		"once":          func(f flow.Flow[int]) flow.Flow[int] { return f.OncePerMessage(memory.NewStore(), 0).Map(exit) },
		"via":           func(f flow.Flow[int]) flow.Flow[int] { return f.Via(memoryQueue(t, 10)).Map(exit) },
		"batch at stop": func(f flow.Flow[int]) flow.Flow[int] { return f.Batch(1000, 0).MapEach(sameAll).Map(exit) },
		"below a resequencer": func(f flow.Flow[int]) flow.Flow[int] {
			return f.KeyBy(byOne).Resequence(toInt64(self), flow.Sequence{First: 1}).Map(exit)
		},
		"below a throttle": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Throttle(flow.Rate{Limit: 1, Per: time.Second}).Map(exit)
		},
		"delay": func(f flow.Flow[int]) flow.Flow[int] { return f.Delay(memoryQueue(t, 10), inSeconds).Map(exit) },
		"redeem": func(f flow.Flow[int]) flow.Flow[int] {
			store := memory.NewStore()

			return f.ClaimCheck(store, flow.ClaimConfig{}).Apply(flow.Redeem[int](store)).Map(exit)
		},
		"below a batch": func(f flow.Flow[int]) flow.Flow[int] { return f.Batch(1, 0).MapEach(sameAll).Map(exit) },
		"below a group": func(f flow.Flow[int]) flow.Flow[int] {
			return f.KeyBy(self).Aggregate(flow.Completion{Count: 1}, sumUp).Map(value).Map(exit)
		},
		"predicate": func(f flow.Flow[int]) flow.Flow[int] {
			return f.KeyBy(self).Aggregate(flow.Completion{}, sumUp, func(n int) bool {
				if n == 40 {
					runtime.Goexit()
				}

				return true
			}).Map(value)
		},
		"merge": func(f flow.Flow[int]) flow.Flow[int] { return flow.Merge(f.Map(exit), flow.From(memory.NewFeed(1))) },
	} {
		bubble(t, name, func(t *testing.T) {
			source, sink := memory.NewSource(numbers(1000)...), memory.NewSink[int]()
			p := flow.New("exit", stage(flow.From(source)).To(sink)).With(flow.Config{MaxInFlight: 1000})
			err := p.Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), "Goexit") {
				t.Errorf("error %v", err)
			}
			synctest.Wait()
			if l := p.Ledger(); !l.Balanced() {
				t.Errorf("ledger %v", l)
			}
			if source.Outcome("memory:40").Done() {
				t.Error("the message is settled as done")
			}
			if source.InFlight() != 0 {
				t.Error("the source was not closed")
			}
		})
	}
}
