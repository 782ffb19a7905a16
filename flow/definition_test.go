package flow_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

// mistake is a wrong definition, the stage and the line that are to be blamed, and a part
// of what is to be said of them.
type mistake struct {
	name  string
	at    string
	build func(f flow.Flow[int]) flow.End
	stage string
	text  string
}

func TestMistakesNameStageAndLine(t *testing.T) {
	tests := slices.Concat(nilFunctions(), nilEndpoints(), wrongNumbers(), zeroValues(), wrongNames(), inertOptions(), wrongBodies())
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			source := memory.NewSource(1)
			p := flow.New("wrong", test.build(flow.From(source)))
			problems := definitionProblems(t, p)
			if !slices.ContainsFunc(problems, test.matches) {
				t.Errorf("the problems are %+v, want one of stage %s at %s with %q", problems, test.stage, test.at, test.text)
			}
			if err := p.Run(t.Context()); err == nil || err.Error() != p.Check().Error() {
				t.Errorf("Run returned %v", err)
			}
			if source.Opens() > 0 {
				t.Error("a wrong definition opened its source")
			}
			_, _ = p.Graph().Mermaid(), p.Graph().DOT() // a wrong definition can be looked at
		})
	}
}

func (m mistake) matches(p flow.Problem) bool {
	return p.Stage == m.stage && p.At == m.at && strings.Contains(p.Text, m.text)
}

func definitionProblems(t *testing.T, p *flow.Pipeline) []flow.Problem {
	t.Helper()
	err := p.Check()
	definition, ok := errors.AsType[*flow.DefinitionError](err)
	if !ok {
		t.Fatalf("Check returned %v, want a *flow.DefinitionError", err)
	}

	return definition.Problems
}

type (
	ints     = flow.Flow[int]
	intClaim = flow.Claim[int]
	intSink  = connector.Sink[int]
	group1   = flow.Group[string, int]
)

func end(f ints) flow.End { return f.To(memory.NewSink[int]()) }

func endGroup(f flow.Flow[group1]) flow.End { return f.To(memory.NewSink[group1]()) }

func unit[T any](t T) T { return t }

func nilFunctions() []mistake {
	type fn = func(context.Context, int) (int, error)
	none := fn(nil)

	return []mistake{
		{"Map", here(0), func(f ints) flow.End { return end(f.Map(none)) }, "map", "the function is nil"},
		{"Map of Pure", here(0), func(f ints) flow.End { return end(f.Map(flow.Pure[int, int](nil))) }, "map", "the function is nil"},
		{"MapMessage", here(0), func(f ints) flow.End { return end(f.MapMessage[int](nil)) }, "map-message", "the function is nil"},
		{"Observe", here(0), func(f ints) flow.End { return end(f.Observe(nil)) }, "observe", "the function is nil"},
		{"Filter", here(0), func(f ints) flow.End { return end(f.Filter(nil)) }, "filter", "the predicate is nil"},
		{"Validate", here(0), func(f ints) flow.End { return end(f.Validate(nil)) }, "validate", "check 1 is nil"},
		{"Split", here(0), func(f ints) flow.End { return end(f.Split[int](nil)) }, "split", "the function is nil"},
		{"Tee", here(0), func(f ints) flow.End { return end(f.Tee(nil)) }, "tee", "builds the branch is nil"},
		{"Apply", here(0), func(f ints) flow.End { return end(f.Apply[int](nil)) }, "apply", "the function is nil"},
		{"ForEach", here(0), func(f ints) flow.End { return f.ForEach(nil) }, "for-each", "the function is nil"},
		{"Parallel", here(0), func(f ints) flow.End { return end(f.Parallel[int](2, nil)) }, "parallel", "the body is nil"},
		{"Unordered", here(0), func(f ints) flow.End { return end(f.Unordered[int](2, nil)) }, "parallel", "the body is nil"},
		{"Keyed.Parallel", here(0), func(f ints) flow.End { return end(f.KeyBy(byOne).Parallel[int](2, nil)) }, "parallel", "the body is nil"},
		{"Once", here(0), func(f ints) flow.End { return end(f.Once(memory.NewStore(), nil, 0)) }, "once", "the key function is nil"},
		{"KeyBy and Fold", here(0), func(f ints) flow.End { return endGroup(f.KeyBy[string](nil).Fold(sumUp)) }, "fold", "KeyBy was given a nil function"},
		{"KeyBy and Parallel", here(0), func(f ints) flow.End { return end(f.KeyBy[string](nil).Parallel(2, nothing)) }, "parallel", "KeyBy was given a nil function"},
		{"Fold", here(0), func(f ints) flow.End { return endGroup(f.KeyBy(byOne).Fold[int](nil)) }, "fold", "the function is nil"},
		{"Aggregate", here(0), func(f ints) flow.End { return endGroup(f.KeyBy(byOne).Aggregate[int](flow.Completion{Count: 2}, nil)) }, "aggregate", "the function is nil"},
		{"Aggregate until", here(0), func(f ints) flow.End { return endGroup(f.KeyBy(byOne).Aggregate(flow.Completion{}, sumUp, nil)) }, "aggregate", "predicate 1 is nil"},
		{"ForcedBy", here(1), func(f ints) flow.End {
			return endGroup(f.KeyBy(byOne).ForcedBy(nil).Aggregate(flow.Completion{Count: 2}, sumUp))
		}, "aggregate", "ForcedBy was given a nil Force"},
		{"Resequence", here(0), func(f ints) flow.End { return end(f.KeyBy(byOne).Resequence(nil, flow.Sequence{})) }, "resequence", "the function for the number is nil"},
		{"KeyBy and Resequence", here(0), func(f ints) flow.End { return end(f.KeyBy[string](nil).Resequence(toInt64(self), flow.Sequence{})) }, "resequence", "KeyBy was given a nil function"},
		{"KeyBy and Throttle", here(0), func(f ints) flow.End { return end(f.KeyBy[string](nil).Throttle(flow.Rate{Limit: 1, Per: 1})) }, "throttle", "KeyBy was given a nil function"},
		{"Delay", here(0), func(f ints) flow.End { return end(f.Delay(&idleQueue{}, nil)) }, "delay", "the function for the duration is nil"},
		{"Batch.Map", here(0), func(f ints) flow.End { return end(f.Batch(2, 0).Map[int](nil)) }, "batch-map", "the function is nil"},
		{"Batch.MapEach", here(0), func(f ints) flow.End { return end(f.Batch(2, 0).MapEach[int](nil)) }, "batch-map-each", "the function is nil"},
		{"Batch.Bytes", here(0), func(f ints) flow.End { return f.Batch(2, 0).Bytes(9, nil).To(memory.NewSink[int]()) }, "to", "a function for the size"},
		{"Enrich key", here(0), func(f ints) flow.End { return end(f.Enrich(nil, flow.Func("s", same), sumUp)) }, "enrich", "a function is nil"},
		{"Enrich with", here(0), func(f ints) flow.End { return end(f.Enrich(unit[int], flow.Func("s", same), nil)) }, "enrich", "a function is nil"},
		{"Case match", here(0), func(f ints) flow.End { return f.Route().Case("a", nil, end).Else(end) }, "route", `case "a": a function is nil`},
		{"Case build", here(0), func(f ints) flow.End { return f.Route().Case("a", even, nil).Else(end) }, "route", `case "a": a function is nil`},
		{"Else", here(0), func(f ints) flow.End { return f.Route().Case("a", even, end).Else(nil) }, "route", `case "else": a function is nil`},
		{"Func", here(0), func(f ints) flow.End { return end(f.Do(flow.Func[int, int]("s", nil))) }, "do", "step s: the caller is nil"},
		{"Step.Map", here(0), func(f ints) flow.End { return end(f.Do(flow.Func("s", same).Map[int](nil))) }, "do", "Map was given a nil function"},
		{"Step.Adapt", here(0), func(f ints) flow.End { return end(f.Do(flow.Func("s", same).Adapt[int](nil))) }, "do", "Adapt was given a nil function"},
		{"Step.Fallback", here(0), func(f ints) flow.End { return end(f.Do(flow.Func("s", same).Fallback(nil))) }, "do", "Fallback was given a nil function"},
		{"Step.Validate", here(0), func(f ints) flow.End { return end(f.Do(flow.Func("s", same).Validate(nil))) }, "do", "check 1 is nil"},
		{"Gather.Need", here(1), func(f ints) flow.End {
			return end(f.Do(flow.NewGather[int, int]("g").Need(flow.Func("s", same), nil).Step()))
		}, "do", "part s: the function is nil"},
		{"Gather.Want", here(1), func(f ints) flow.End {
			return end(f.Do(flow.NewGather[int, int]("g").Want(flow.Func("s", same), nil).Step()))
		}, "do", "part s: the function is nil"},
	}
}

func even(n int) bool { return n%2 == 0 }

func odd(n int) bool { return n%2 == 1 }

func nilEndpoints() []mistake {
	return []mistake{
		{"From", here(0), func(ints) flow.End { return end(flow.From[int](nil)) }, "from", "the source is nil"},
		{"To", here(0), func(f ints) flow.End { return f.To(nil) }, "to", "the sink is nil"},
		{"Batch.To", here(0), func(f ints) flow.End { return f.Batch(2, 0).To(nil) }, "to", "the sink is nil"},
		{"Into", here(0), func(f ints) flow.End { return f.To(flow.Into[int](nil)) }, "to", "the sink is nil"},
		{"Into with policies", here(0), func(f ints) flow.End { return f.To(flow.Into[int](nil).Timeout(1).Retry(retry.Policy{})) }, "to", "the sink is nil"},
		{"DeadLetter", here(0), func(f ints) flow.End { return end(f.DeadLetter(nil)) }, "dead-letter", "the sink is nil"},
		{"DeadLetter Into", here(0), func(f ints) flow.End { return end(f.DeadLetter(flow.Into[connector.DeadLetter[int]](nil))) }, "dead-letter", "the sink is nil"},
		{"Once", here(0), func(f ints) flow.End { return end(f.Once(nil, byOne, 0)) }, "once", "the store is nil"},
		{"OncePerMessage", here(0), func(f ints) flow.End { return end(f.OncePerMessage(nil, 0)) }, "once", "the store is nil"},
		{"StoredIn", here(0), func(f ints) flow.End { return endGroup(f.KeyBy(byOne).StoredIn(nil).Fold(sumUp)) }, "fold", "nil store"},
		{"Via", here(0), func(f ints) flow.End { return end(f.Via(nil)) }, "via", "the queue is nil"},
		{"Delay", here(0), func(f ints) flow.End { return end(f.Delay(nil, inSeconds)) }, "delay", "the queue is nil"},
		{"ClaimCheck", here(0), func(f ints) flow.End { return f.ClaimCheck(nil, flow.ClaimConfig{}).To(memory.NewSink[intClaim]()) }, "claim-check", "the store is nil"},
		{"Redeem", here(1), func(f ints) flow.End {
			return end(f.ClaimCheck(memory.NewStore(), flow.ClaimConfig{}).Apply(flow.Redeem[int](nil)))
		}, "redeem", "the store is nil"},
		{"Ask", here(0), func(f ints) flow.End { return end(f.Do(flow.Ask[int, int]("s", nil))) }, "do", "step s: the caller is nil"},
		{"Ask in Enrich", here(0), func(f ints) flow.End { return end(f.Enrich(unit[int], flow.Ask[int, int]("s", nil), sumUp)) }, "enrich", "step s: the caller is nil"},
		{"Ask in Then", here(0), func(f ints) flow.End { return end(f.Do(flow.Func("s", same).Then(flow.Ask[int, int]("next", nil)))) }, "do", "step next: the caller is nil"},
		{"Ask in Gather", here(1), func(f ints) flow.End {
			return end(f.Do(flow.NewGather[int, int]("g").Need(flow.Ask[int, int]("part", nil), set).Step()))
		}, "do", "step part: the caller is nil"},
	}
}

func set(view *int, n int) { *view = n }

func wrongNumbers() []mistake {
	return []mistake{
		{"Batch of none", here(0), func(f ints) flow.End { return f.Batch(0, 0).To(memory.NewSink[int]()) }, "to", "want at least 1 message"},
		{"negative wait", here(0), func(f ints) flow.End { return end(f.Batch(2, -1).MapEach(sameAll)) }, "batch-map-each", "the wait is negative"},
		{"Batch of no bytes", here(0), func(f ints) flow.End { return end(f.Batch(2, 0).Bytes(0, unit[int]).MapEach(sameAll)) }, "batch-map-each", "want a limit of at least 1"},
		{"Batch above MaxInFlight", here(0), func(f ints) flow.End { return end(f.Batch(1025, 0).MapEach(sameAll)) }, "batch-map-each", "collects up to 1025 messages, but the pipeline allows 1024"},
		{"Aggregate above MaxInFlight", here(0), func(f ints) flow.End { return endGroup(f.KeyBy(byOne).Aggregate(flow.Completion{Count: 1025}, sumUp)) }, "aggregate", "raise Config.MaxInFlight"},
		{"Buffer", here(0), func(f ints) flow.End { return end(f.Buffer(0, flow.Block)) }, "buffer", "want room for at least 1 message"},
		{"Overflow", here(0), func(f ints) flow.End { return end(f.Buffer(1, flow.DropOldest+1)) }, "buffer", "there is no overflow(3)"},
		{"no goroutine", here(0), func(f ints) flow.End { return end(f.Parallel(0, nothing)) }, "parallel", "want 1 to 1024"},
		{"1025 goroutines", here(0), func(f ints) flow.End { return end(f.Unordered(1025, nothing)) }, "parallel", "want 1 to 1024"},
		{"ttl", here(0), func(f ints) flow.End { return end(f.Once(memory.NewStore(), byOne, -1)) }, "once", "the ttl is negative"},
		{"Merge of none", here(0), func(ints) flow.End { return end(flow.Merge[int]()) }, "merge", "want at least 2"},
		{"Merge of one", here(0), func(f ints) flow.End { return end(flow.Merge(f)) }, "merge", "want at least 2"},
		{"Completion.Count", here(1), func(f ints) flow.End {
			return endGroup(f.KeyBy(byOne).Aggregate(flow.Completion{Count: -1, NewKey: true}, sumUp))
		}, "aggregate", "Completion.Count is negative"},
		{"Completion.Idle", here(1), func(f ints) flow.End {
			return endGroup(f.KeyBy(byOne).Aggregate(flow.Completion{Idle: -1, NewKey: true}, sumUp))
		}, "aggregate", "Completion.Idle is negative"},
		{"Completion.Interval", here(1), func(f ints) flow.End {
			return endGroup(f.KeyBy(byOne).Aggregate(flow.Completion{Interval: -1, NewKey: true}, sumUp))
		}, "aggregate", "Completion.Interval is negative"},
		{"Sequence.Wait", here(0), func(f ints) flow.End { return end(f.KeyBy(byOne).Resequence(toInt64(self), flow.Sequence{Wait: -1})) }, "resequence", "Sequence.Wait is negative"},
		{"Sequence.Held", here(0), func(f ints) flow.End { return end(f.KeyBy(byOne).Resequence(toInt64(self), flow.Sequence{Held: -1})) }, "resequence", "Sequence.Held is negative"},
		{"Sequence.First", here(1), func(f ints) flow.End {
			return end(f.KeyBy(byOne).Resequence(toInt64(self), flow.Sequence{First: math.MinInt64}))
		}, "resequence", "numbers need one before"},
		{"Held above MaxInFlight", here(0), func(f ints) flow.End { return end(f.KeyBy(byOne).Resequence(toInt64(self), flow.Sequence{Held: 1025})) }, "resequence", "raise Config.MaxInFlight"},
		{"Rate.Limit", here(0), func(f ints) flow.End { return end(f.Throttle(flow.Rate{Per: 1})) }, "throttle", "Rate.Limit is 0"},
		{"Rate.Per", here(0), func(f ints) flow.End { return end(f.Throttle(flow.Rate{Limit: 1})) }, "throttle", "Rate.Per is 0s"},
		{"Rate.Burst", here(0), func(f ints) flow.End { return end(f.Throttle(flow.Rate{Limit: 1, Per: 1, Burst: -1})) }, "throttle", "Rate.Burst is negative"},
		{"Rate.Burst of ages", here(0), func(f ints) flow.End { return end(f.Throttle(flow.Rate{Limit: 1, Per: 24 * time.Hour, Burst: 366})) }, "throttle", "longer than 8760h"},
		{"ClaimConfig.MaxBytes", here(1), func(f ints) flow.End {
			return f.ClaimCheck(memory.NewStore(), flow.ClaimConfig{MaxBytes: -1}).To(memory.NewSink[intClaim]())
		}, "claim-check", "ClaimConfig.MaxBytes is negative"},
		{"ClaimConfig.TTL", here(1), func(f ints) flow.End {
			return f.ClaimCheck(memory.NewStore(), flow.ClaimConfig{TTL: -1}).To(memory.NewSink[intClaim]())
		}, "claim-check", "ClaimConfig.TTL is negative"},
		{"Retry", here(0), func(f ints) flow.End { return end(f.Retry(retry.Policy{Attempts: -1})) }, "retry", "the retry policy is wrong"},
		{"Step.Retry", here(0), func(f ints) flow.End { return end(f.Do(flow.Func("s", same).Retry(retry.Policy{Initial: -1}))) }, "do", "the retry policy is wrong"},
		{"Into.Retry", here(1), func(f ints) flow.End {
			return f.To(flow.Into(intSink(memory.NewSink[int]())).Retry(retry.Policy{Max: -1}))
		}, "to", "the retry policy is wrong"},
		{"Step.Timeout", here(0), func(f ints) flow.End { return end(f.Do(flow.Func("s", same).Timeout(0))) }, "do", "Timeout(0s): want more than 0"},
		{"Into.Timeout", here(0), func(f ints) flow.End { return f.To(flow.Into(intSink(memory.NewSink[int]())).Timeout(-1)) }, "to", "Timeout(-1ns): want more than 0"},
	}
}

func zeroValues() []mistake {
	var zero ints

	return []mistake{
		{"Flow", here(0), func(ints) flow.End { return end(zero.Map(same)) }, "map", "it stands on a zero Flow"},
		{"Flow with a name", here(0), func(ints) flow.End { return zero.As("name").ForEach(ignore) }, "for-each", "it stands on a zero Flow"},
		{"Flow in Batch", here(0), func(ints) flow.End { return zero.Batch(2, 0).To(memory.NewSink[int]()) }, "to", "it stands on a zero Flow"},
		{"Flow in Route", here(0), func(ints) flow.End { return zero.Route().Case("a", even, end).Else(end) }, "route", "it stands on a zero Flow"},
		{"Flow in Tee", here(0), func(ints) flow.End { return end(zero.Tee(end)) }, "tee", "it stands on a zero Flow"},
		{"Flow in Merge", here(0), func(f ints) flow.End { return end(flow.Merge(f, zero)) }, "merge", "it stands on a zero Flow"},
		{"Flow in Via", here(0), func(ints) flow.End { return end(zero.Via(nil)) }, "via", "it stands on a zero Flow"},
		{"Flow of a body", here(0), func(f ints) flow.End { return end(f.Parallel(2, func(ints) ints { return zero })) }, "join", "it stands on a zero Flow"},
		{"Flow of Apply", here(0), func(f ints) flow.End { return f.Apply(func(ints) ints { return zero }).ForEach(ignore) }, "for-each", "it stands on a zero Flow"},
		{"End of Tee", here(0), func(f ints) flow.End { return end(f.Tee(func(ints) flow.End { return flow.End{} })) }, "tee", "the branch has no end"},
		{"End of a case", here(1), func(f ints) flow.End {
			return f.Route().Case("a", even, func(ints) flow.End { return flow.End{} }).Else(end)
		}, "route", `case "a" has no end`},
		{"Router", here(0), func(ints) flow.End { return flow.Router[int]{}.Case("a", even, end).Else(end) }, "route", "it stands on a zero Flow"},
		{"Batched", here(0), func(ints) flow.End { return flow.Batched[int]{}.To(memory.NewSink[int]()) }, "to", "it stands on a zero Flow"},
		{"Keyed", here(0), func(ints) flow.End { return endGroup(flow.Keyed[string, int]{}.Fold(sumUp)) }, "fold", "it stands on a zero Flow"},
		{"Keyed in parallel", here(0), func(ints) flow.End { return end(flow.Keyed[string, int]{}.Parallel(2, nothing)) }, "parallel", "it stands on a zero Flow"},
		{"Delivery", here(0), func(f ints) flow.End { return f.To(flow.Delivery[int]{}) }, "to", "the sink is nil: make the Delivery with flow.Into"},
		{"Delivery with policies", here(0), func(f ints) flow.End { return f.To(flow.Delivery[int]{}.Timeout(1).Retry(retry.Policy{})) }, "to", "the sink is nil: make the Delivery with flow.Into"},
		{"Step", here(0), func(f ints) flow.End { return end(f.Do(flow.Step[int, int]{})) }, "do", "a zero Step"},
		{"Step with a name", here(0), func(f ints) flow.End { return end(f.Do(flow.Step[int, int]{}.As("s"))) }, "do", "a zero Step"},
		{"Step with policies", here(0), func(f ints) flow.End { return end(f.Do(flow.Step[int, int]{}.Timeout(1).As("s"))) }, "do", "a zero Step"},
		{"Gather", here(0), func(f ints) flow.End { return end(f.Do(flow.Gather[int, int]{}.Step())) }, "do", "the Gather has no part"},
	}
}

func ignore(context.Context, int) error { return nil }

func wrongNames() []mistake {
	return []mistake{
		{"empty", here(0), func(f ints) flow.End { return end(f.Map(same).As("")) }, "map", "As was given an empty name"},
		{"empty at the end", here(0), func(f ints) flow.End { return f.ForEach(ignore).As("") }, "for-each", "As was given an empty name"},
		{"taken", here(0), func(f ints) flow.End { return end(f.Map(same).As("x").Filter(even).As("x")) }, "x", `the name "x" is taken by the map at `},
		{"taken in a branch", here(1), func(f ints) flow.End {
			return f.As("x").Route().Case("a", even, end).Else(func(f ints) flow.End { return f.ForEach(ignore).As("x") })
		}, "x", "is taken by the from at "},
		{"taken in a body", here(1), func(f ints) flow.End {
			return end(f.As("x").Parallel(2, func(f ints) ints { return f.Map(same).As("x") }))
		}, "x", "is taken by the from at "},
		{"two for one stage", here(0), func(f ints) flow.End { f = f.Map(same); return end(flow.Merge(f.As("x"), f.As("y"))) }, "y", `the stage has two names, "x" and "y"`},
		{"Step", here(0), func(f ints) flow.End { return end(f.Do(flow.Func("", same))) }, "do", "the step has no name"},
		{"Step renamed", here(0), func(f ints) flow.End { return end(f.Do(flow.Func("s", same).As(""))) }, "do", "the step has no name"},
		{"Gather", here(1), func(f ints) flow.End {
			return end(f.Do(flow.NewGather[int, int]("").Need(flow.Func("s", same), set).Step()))
		}, "do", "the step has no name"},
		{"case", here(0), func(f ints) flow.End { return f.Route().Case("", even, end).Else(end) }, "route", "a case has no name"},
		{"two cases", here(0), func(f ints) flow.End { return f.Route().Case("a", even, end).Case("a", even, end).Else(end) }, "route", `two cases have the name "a"`},
		{"a case named like Else", here(0), func(f ints) flow.End { return f.Route().Case("else", even, end).Else(end) }, "route", `two cases have the name "else"`},
	}
}

// inertOptions have no effect, or contradict one another.
func inertOptions() []mistake {
	sink := func() intSink { return memory.NewSink[int]() }
	odd := func(ints) flow.End { return end(flow.From(memory.NewSource(1))) }

	return []mistake{
		{"Retry once", here(0), func(f ints) flow.End { return end(f.Retry(retry.Policy{Attempts: 1})) }, "retry", "has no effect"},
		{"Step.Retry once", here(0), func(f ints) flow.End { return end(f.Do(flow.Func("s", same).Retry(retry.Policy{Attempts: 1}))) }, "do", "has no effect"},
		{"Into.Retry once", here(0), func(f ints) flow.End { return f.To(flow.Into(sink()).Retry(retry.Policy{Attempts: 1})) }, "to", "has no effect"},
		{"DeadLetter Into", here(1), func(f ints) flow.End {
			return end(f.DeadLetter(flow.Into(connector.Sink[connector.DeadLetter[int]](newDead())).Timeout(0)))
		}, "dead-letter", "want more than 0"},
		{"Route without a Case", here(0), func(f ints) flow.End { return f.Route().Else(end) }, "route", "it has no Case"},
		{"empty Completion", here(0), func(f ints) flow.End { return endGroup(f.KeyBy(byOne).Aggregate(flow.Completion{}, sumUp)) }, "aggregate", "the Completion is empty"},
		{"Count of 1 and Idle", here(1), func(f ints) flow.End {
			return endGroup(f.KeyBy(byOne).Aggregate(flow.Completion{Count: 1, Idle: 1}, sumUp))
		}, "aggregate", "Completion.Count of 1"},
		{"Count of 1 and Interval", here(1), func(f ints) flow.End {
			return endGroup(f.KeyBy(byOne).Aggregate(flow.Completion{Count: 1, Interval: 1}, sumUp))
		}, "aggregate", "Completion.Count of 1"},
		{"Count of 1 and NewKey", here(1), func(f ints) flow.End {
			return endGroup(f.KeyBy(byOne).Aggregate(flow.Completion{Count: 1, NewKey: true}, sumUp))
		}, "aggregate", "Completion.Count of 1"},
		{"Count of 1 and a predicate", here(1), func(f ints) flow.End {
			return endGroup(f.KeyBy(byOne).Aggregate(flow.Completion{Count: 1}, sumUp, even))
		}, "aggregate", "Completion.Count of 1"},
		{"Count of 1 and ForcedBy", here(1), func(f ints) flow.End {
			return endGroup(f.KeyBy(byOne).ForcedBy(new(flow.Force[string])).Aggregate(flow.Completion{Count: 1}, sumUp))
		}, "aggregate", "Completion.Count of 1"},
		{"Idle as long as Interval", here(1), func(f ints) flow.End {
			return endGroup(f.KeyBy(byOne).Aggregate(flow.Completion{Idle: 2, Interval: 2}, sumUp))
		}, "aggregate", "Completion.Idle of 2ns has no effect"},
		{"ForcedBy above Fold", here(0), func(f ints) flow.End { return endGroup(f.KeyBy(byOne).ForcedBy(new(flow.Force[string])).Fold(sumUp)) }, "fold", "ForcedBy has an effect on Aggregate only"},
		{"ForcedBy above Parallel", here(1), func(f ints) flow.End {
			return end(f.KeyBy(byOne).ForcedBy(new(flow.Force[string])).Parallel(2, nothing))
		}, "parallel", "ForcedBy has an effect on Aggregate only"},
		{"StoredIn above Resequence", here(1), func(f ints) flow.End {
			return end(f.KeyBy(byOne).StoredIn(memory.NewStore()).Resequence(toInt64(self), flow.Sequence{}))
		}, "resequence", "StoredIn has no effect on Resequence"},
		{"ForcedBy above Resequence", here(1), func(f ints) flow.End {
			return end(f.KeyBy(byOne).ForcedBy(new(flow.Force[string])).Resequence(toInt64(self), flow.Sequence{}))
		}, "resequence", "ForcedBy has an effect on Aggregate only"},
		{"StoredIn above Throttle", here(1), func(f ints) flow.End {
			return end(f.KeyBy(byOne).StoredIn(memory.NewStore()).Throttle(flow.Rate{Limit: 1, Per: 1}))
		}, "throttle", "StoredIn has no effect on Throttle"},
		{"ForcedBy above Throttle", here(1), func(f ints) flow.End {
			return end(f.KeyBy(byOne).ForcedBy(new(flow.Force[string])).Throttle(flow.Rate{Limit: 1, Per: 1}))
		}, "throttle", "ForcedBy has an effect on Aggregate only"},
		{"StoredIn above Parallel", here(0), func(f ints) flow.End { return end(f.KeyBy(byOne).StoredIn(memory.NewStore()).Parallel(2, nothing)) }, "parallel", "StoredIn has no effect on Parallel"},
		{"Validate without tags", here(0), func(f ints) flow.End { return end(f.Validate()) }, "validate", "int has no field with a validate tag"},
		{"Step.Validate without tags", here(0), func(f ints) flow.End { return end(f.Do(flow.Func("s", same).Validate())) }, "do", "int has no field with a validate tag"},
		{"values that JSON cannot hold", here(1), func(f ints) flow.End {
			channels := f.Map(flow.Pure(noKey)).ClaimCheck(memory.NewStore(), flow.ClaimConfig{})
			return channels.To(memory.NewSink[flow.Claim[chan int]]())
		}, "claim-check", "cannot be stored as JSON"},
		{"keys that JSON cannot hold", here(0), func(f ints) flow.End { return f.KeyBy(noKey).StoredIn(memory.NewStore()).Fold(sumUp).ForEach(nil) }, "fold", "cannot be stored as JSON"},
		{"a Tee that does not use its flow", here(0), func(f ints) flow.End { return end(f.Tee(odd)) }, "tee", "does not use the flow that it is given"},
		{"a case that does not use its flow", here(0), func(f ints) flow.End { return f.Route().Case("a", even, odd).Else(end) }, "route:a", "does not use the flow that it is given"},
		{"a queue that does not delay", here(0), func(f ints) flow.End { return end(f.Delay(&idleQueue{}, inSeconds)) }, "delay", "does not declare Delays"},
		{"a queue for Via and Delay", here(0), func(f ints) flow.End { q := &idleQueue{}; return end(f.Via(q).Delay(q, inSeconds)) }, "delay", "the queue is in use by the via"},
		{"a queue twice", here(0), func(f ints) flow.End { q := &idleQueue{}; return end(f.Via(q).Via(q)) }, "via-2", "the queue is in use by the via"},
	}
}

func noKey(int) chan int { return nil }

// idleQueue is a queue that is never opened.
type idleQueue struct{ connector.Sink[int] }

func (*idleQueue) Open(context.Context) (connector.Reader[int], error) { return nil, errBad }

func (*idleQueue) Depth(context.Context) (connector.Depth, error) { return connector.Depth{}, nil }

// wrongBodies cannot run inside a parallel stage.
func wrongBodies() []mistake {
	store := memory.NewStore()
	other := func() ints { return flow.From(memory.NewSource(1)) }
	two := flow.Completion{Count: 2}
	body := func(inner *ints) func(ints) ints {
		return func(f ints) ints { *inner = f.Map(same); return *inner }
	}

	return []mistake{
		{"a source", here(1), func(f ints) flow.End {
			return end(f.Parallel(2, func(ints) ints { return flow.From(memory.NewSource(1)) }))
		}, "from-2", "must be built on the flow that it is given"},
		{"unused", here(0), func(f ints) flow.End { return end(f.Parallel(2, func(ints) ints { return other() })) }, "parallel", "does not use the flow that it is given"},
		{"the flow above", here(0), func(f ints) flow.End { return end(f.Parallel(2, func(ints) ints { return f })) }, "join", "only the flow that it is given leads into it"},
		{"a stage used outside", here(0), func(f ints) flow.End { in := new(ints); f = f.Parallel(2, body(in)); return end(flow.Merge(f, *in)) }, "merge", "leads out"},
		{"Merge", here(1), func(f ints) flow.End {
			return end(f.Unordered(2, func(f ints) ints { return flow.Merge(f, f.Map(same)) }))
		}, "merge", "a merge inside the parallel stage parallel"},
		{"Buffer", here(1), func(f ints) flow.End {
			return end(f.Unordered(2, func(f ints) ints { return f.Buffer(1, flow.Block) }))
		}, "buffer", "yet another goroutine"},
		{"Via", here(0), func(f ints) flow.End { return end(f.Unordered(2, func(f ints) ints { return f.Via(&idleQueue{}) })) }, "via", "yet another goroutine"},
		{"stored Aggregate", here(1), func(f ints) flow.End {
			return end(f.Unordered(2, func(f ints) ints { return f.KeyBy(byOne).StoredIn(store).Aggregate(two, sumUp).Map(value) }))
		}, "aggregate", "needs to see all messages"},
		{"Resequence", here(1), func(f ints) flow.End {
			return end(f.Unordered(2, func(f ints) ints { return f.KeyBy(byOne).Resequence(toInt64(self), flow.Sequence{}) }))
		}, "resequence", "needs to see all messages"},
		{"Throttle", here(1), func(f ints) flow.End {
			return end(f.Unordered(2, func(f ints) ints { return f.Throttle(flow.Rate{Limit: 1, Per: 1}) }))
		}, "throttle", "needs to see all messages"},
		{"Batch in an ordered body", here(1), func(f ints) flow.End {
			return end(f.Parallel(2, func(f ints) ints { return f.Batch(2, 0).MapEach(sameAll) }))
		}, "batch-map-each", "cannot keep the order"},
		{"Once in an ordered body", here(1), func(f ints) flow.End {
			return end(f.Parallel(2, func(f ints) ints { return f.OncePerMessage(store, 0) }))
		}, "once", "cannot keep the order"},
		{"Parallel in an ordered body", here(0), func(f ints) flow.End { return end(f.Parallel(2, func(f ints) ints { return f.Unordered(2, nothing) })) }, "parallel-2", "cannot keep the order"},
	}
}

// TestPlaceThroughBodies: the line is that of the stage, not that of the function which
// takes the body.
func TestPlaceThroughBodies(t *testing.T) {
	var want []string
	price := func(f ints) ints {
		want = append(want, here(1))
		return f.Map((func(context.Context, int) (int, error))(nil))
	}
	source := func() ints { return flow.From(memory.NewSource(1)) }
	ends := []flow.End{
		end(source().Apply(price)),
		end(source().Tee(func(f ints) flow.End { return end(price(f)) })),
		source().Route().Case("a", even, func(f ints) flow.End { return end(price(f)) }).Else(end),
		source().Route().Case("a", even, end).Else(func(f ints) flow.End { return end(price(f)) }),
		end(source().Parallel(2, price)),
		end(source().Unordered(2, price)),
		end(source().KeyBy(byOne).Parallel(2, price)),
	}
	problems := definitionProblems(t, flow.New("bodies", ends...))
	if len(problems) != len(ends) || len(want) != len(ends) {
		t.Fatalf("%d problems of %d stages: %+v", len(problems), len(ends), problems)
	}
	for i, p := range problems {
		if p.At != want[i] {
			t.Errorf("problem %d is at %s, want %s", i, p.At, want[i])
		}
		name := "map"
		if i > 0 {
			name = fmt.Sprintf("map-%d", i+1)
		}
		if p.Stage != name {
			t.Errorf("problem %d is of stage %s, want %s", i, p.Stage, name)
		}
	}
}

// TestAnEndTwice: it would not run twice, so that is not what was meant.
func TestAnEndTwice(t *testing.T) {
	to := end(flow.From(memory.NewSource(1)))
	for _, second := range []flow.End{to, to.As("named")} {
		problems := definitionProblems(t, flow.New("twice", to, second))
		if len(problems) != 1 || problems[0].Text != "end 2 is end 1 once more: pass it once" {
			t.Errorf("problems %+v", problems)
		}
	}
}

// TestAllProblemsAtOnce: one Check names everything that is wrong, in the order of the
// definition, the same each time.
func TestAllProblemsAtOnce(t *testing.T) {
	f := flow.From[int](nil)
	left := f.Map((func(context.Context, int) (int, error))(nil)).Retry(retry.Policy{}).Parallel(0, func(f ints) ints {
		return f.Buffer(0, flow.Overflow(9)).Via(nil).Batch(2000, 0).MapEach(sameAll).As("x")
	}).As("x")
	ends := []flow.End{left.To(nil).As(""), {}, f.KeyBy[string](nil).StoredIn(nil).Fold[int](nil).To(nil)}
	at := here(1)
	p := flow.New("", ends...).With(wrongConfig())
	var got []string
	for _, p := range definitionProblems(t, p) {
		got = append(got, p.Stage+": "+p.Text)
	}
	want := []string{
		"pipeline: Config.MaxInFlight is negative",
		"pipeline: Config.Chunk is negative",
		"pipeline: Config.MaxKeys is negative",
		"pipeline: Config.Drain is negative",
		"pipeline: Config.Grace is negative",
		"pipeline: the pipeline has no name",
		"pipeline: end 2 is a zero End",
		"the name \"x\" is taken",
		"from: the source is nil",
		"map: the function is nil",
		"retry: it does not see the failures behind the parallel",
		"x: it was given 0 goroutines",
		"buffer: Buffer(0, …)",
		"buffer: there is no overflow(9)",
		"buffer: a buffer inside the parallel stage x",
		"via: the queue is nil",
		"x: it collects up to 2000 messages",
		"to: As was given an empty name",
		"to: the sink is nil",
		"fold: KeyBy was given a nil function",
		"fold: StoredIn was given a nil store",
		"fold: the function is nil",
		"to-2: the sink is nil",
	}
	for _, w := range want {
		if !slices.ContainsFunc(got, func(g string) bool { return strings.Contains(g, w) }) {
			t.Errorf("no problem has %q:\n%s", w, strings.Join(got, "\n"))
		}
	}
	if strings.Contains(strings.Join(got, "\n"), "it collects up to 0") {
		t.Errorf("a stage that collects nothing is said to collect too much:\n%s", strings.Join(got, "\n"))
	}
	if place := definitionProblems(t, p)[0].At; place != at {
		t.Errorf("the pipeline is said to be at %s, want %s", place, at)
	}
	again := func() string { return flow.New("", ends...).With(wrongConfig()).Check().Error() }
	first := again()
	for range 20 {
		if other := again(); other != first {
			t.Fatalf("the same definition has other problems:\n%v\n%v", first, other)
		}
	}
	text := p.Check().Error()
	if strings.Count(text, "\n") != len(got) || !strings.HasPrefix(text, fmt.Sprintf("flow : the definition has %d problem(s)\n\t", len(got))) {
		t.Errorf("the error is\n%s", text)
	}
}

func wrongConfig() flow.Config {
	return flow.Config{MaxInFlight: -1, Chunk: -1, MaxKeys: -1, Drain: -1, Grace: -1}
}
