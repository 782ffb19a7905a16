package flow_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

// scripted is a sink that answers each Write as it is told, and notes what it was given.
type scripted struct {
	caps    connector.Capabilities
	answers []func(n int) error
	writes  [][]int
}

func (s *scripted) Describe() connector.Capabilities { return s.caps }

func (s *scripted) Write(_ context.Context, ms []connector.Message[int]) error {
	values := make([]int, len(ms))
	for i, m := range ms {
		values[i] = m.Value
	}
	s.writes = append(s.writes, values)
	if len(s.answers) < len(s.writes) {
		return nil
	}
	if answer := s.answers[len(s.writes)-1]; answer != nil {
		return answer(len(ms))
	}

	return nil
}

// fates answers with a PartialError of the fates, one for each message.
func fates(of ...connector.Fate) func(int) error {
	return func(int) error {
		e := connector.NewPartialError(len(of))
		for i, f := range of {
			e.Members[i].Fate = f
			if f != connector.Accepted {
				e.Members[i].Err = connector.Transient(fmt.Errorf("member %d: %w", i+1, errBad))
			}
		}

		return e
	}
}

func whole(err error) func(int) error { return func(int) error { return err } }

// TestDeliveryRetriesWhatWasNotAccepted, and only that; each message has its own outcome.
func TestDeliveryRetriesWhatWasNotAccepted(t *testing.T) {
	const ok, bad, unclear, skipped = connector.Accepted, connector.Failed, connector.Unclear, connector.NotAttempted
	ambiguous := connector.Ambiguous(errBad)
	permanent := func(int) error {
		e := connector.NewPartialError(3)
		e.Members[0].Fate = ok
		e.Members[1] = connector.Member{Fate: bad, Err: connector.Permanent(errBad)}
		e.Members[2] = connector.Member{Fate: bad, Err: connector.Transient(errBad)}

		return e
	}
	tests := []struct {
		name    string
		answers []func(int) error
		policy  retry.Policy
		caps    connector.Capabilities
		writes  string
		dead    []int
	}{
		{"all at once", nil, retry.Policy{}, connector.Capabilities{}, "[[1 2 3]]", nil},
		{"all again", []func(int) error{whole(errBad)}, retry.Policy{}, connector.Capabilities{}, "[[1 2 3] [1 2 3]]", nil},
		{"those that failed", []func(int) error{fates(bad, ok, bad), fates(ok, bad)}, retry.Policy{}, connector.Capabilities{}, "[[1 2 3] [1 3] [3]]", nil},
		{"those that were not attempted", []func(int) error{fates(ok, bad, skipped)}, retry.Policy{}, connector.Capabilities{}, "[[1 2 3] [2 3]]", nil},
		{"not what is unclear", []func(int) error{fates(unclear, ok, bad)}, retry.Policy{}, connector.Capabilities{}, "[[1 2 3] [3]]", []int{1}},
		{"unclear, and doing it twice is harmless", []func(int) error{fates(unclear, ok, bad)}, retry.Policy{Idempotent: true}, connector.Capabilities{}, "[[1 2 3] [1 3]]", nil},
		{"unclear, and the sink is idempotent", []func(int) error{whole(ambiguous)}, retry.Policy{}, connector.Capabilities{Idempotent: true}, "[[1 2 3] [1 2 3]]", nil},
		{"all unclear", []func(int) error{whole(ambiguous)}, retry.Policy{}, connector.Capabilities{}, "[[1 2 3]]", []int{1, 2, 3}},
		{"not what will not change", []func(int) error{permanent}, retry.Policy{}, connector.Capabilities{}, "[[1 2 3] [3]]", []int{2}},
		{"until the attempts are used up", []func(int) error{whole(errBad), fates(bad, ok, ok), whole(errBad)}, retry.Policy{Attempts: 3}, connector.Capabilities{}, "[[1 2 3] [1 2 3] [1]]", []int{1}},
		{"a whole failure after a part was accepted", []func(int) error{fates(ok, bad, bad), whole(connector.Permanent(errBad))}, retry.Policy{}, connector.Capabilities{}, "[[1 2 3] [2 3]]", []int{2, 3}},
		{"a PartialError of the wrong length", []func(int) error{fates(ok, bad)}, retry.Policy{}, connector.Capabilities{}, "[[1 2 3]]", []int{1, 2, 3}},
		{"a panic", []func(int) error{func(int) error { panic("boom") }}, retry.Policy{}, connector.Capabilities{}, "[[1 2 3]]", []int{1, 2, 3}},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			sink, rejected := &scripted{caps: test.caps, answers: test.answers}, newDead()
			into := flow.Into(connector.Sink[int](sink)).Retry(test.policy)
			p := flow.New("into", flow.From(memory.NewSource(numbers(3)...)).DeadLetter(rejected).Batch(3, 0).To(into))
			mustRun(t, p)
			if got := fmt.Sprint(sink.writes); got != test.writes {
				t.Errorf("writes %s, want %s", got, test.writes)
			}
			var dead []int
			for _, letter := range rejected.Values() {
				dead = append(dead, letter.Value)
			}
			if !slices.Equal(dead, test.dead) {
				t.Errorf("dead letters %v, want %v", dead, test.dead)
			}
			if want := uint64(len(sink.writes) - 1); into.Retried() != want {
				t.Errorf("%d writes beyond the first are counted, want %d", into.Retried(), want)
			}
			wantLedger(t, p, flow.Line{In: 3, Delivered: int64(3 - len(dead)), DeadLettered: int64(len(dead))}, flow.Line{})
		})
	}
}

// TestDeliveryOfNothing: a Write of no message may fail too, as that of a sink which checks
// its connection.
func TestDeliveryOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &scripted{answers: []func(int) error{whole(connector.Transient(errBad)), nil, whole(connector.Permanent(errBad))}}
		into := flow.Into[int](sink).Retry(retry.Policy{Attempts: 3})
		if err := into.Write(t.Context(), nil); err != nil || len(sink.writes) != 2 {
			t.Errorf("%v after %d writes", err, len(sink.writes))
		}
		if err := into.Write(t.Context(), nil); !errors.Is(err, errBad) {
			t.Errorf("error %v", err)
		}
	})
}

// TestDeliveryGivesUpWithTheLastError: the letter tells how often it was tried and why it
// failed.
func TestDeliveryGivesUpWithTheLastError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink, rejected := memory.NewSink[int](), newDead()
		sink.Script(memory.Fail(connector.Transient(errBad)).Always())
		into := flow.Into(intSink(sink)).Retry(retry.Policy{Attempts: 4})
		mustRun(t, flow.New("into", flow.From(memory.NewSource(1, 2)).DeadLetter(rejected).To(into)))
		for _, letter := range rejected.Values() {
			exhausted, ok := errors.AsType[*retry.ExhaustedError](letter.Err)
			if !ok || exhausted.Attempts != 4 || !errors.Is(letter.Err, errBad) || letter.Stage != "to" {
				t.Errorf("letter %+v", letter)
			}
		}
		if got := sink.Writes(); len(got) != 8 || len(rejected.Values()) != 2 {
			t.Errorf("%d writes, %d letters", len(got), len(rejected.Values()))
		}
	})
}

// TestDeliveryTimeout: a Write that runs out of time may have had its effect.
func TestDeliveryTimeout(t *testing.T) {
	slow := func() *memory.Sink[int] {
		sink := memory.NewSink[int]()
		sink.Script(memory.Pass().Delay(time.Minute))

		return sink
	}
	bubble(t, "is ambiguous", func(t *testing.T) {
		began := time.Now()
		err := flow.Into(intSink(slow())).Timeout(time.Second).Write(t.Context(), []connector.Message[int]{{Value: 1}})
		if time.Since(began) != time.Second || connector.ClassOf(err) != connector.ClassAmbiguous || !strings.Contains(err.Error(), "no answer within 1s") {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
	bubble(t, "of each attempt", func(t *testing.T) {
		sink, began := slow(), time.Now()
		p := retry.Policy{Idempotent: true, Initial: time.Second, NoJitter: true}
		if err := flow.Into(intSink(sink)).Timeout(10*time.Second).Retry(p).Write(t.Context(), []connector.Message[int]{{Value: 1}}); err != nil {
			t.Error(err)
		}
		if len(sink.Writes()) != 2 || time.Since(began) != 11*time.Second {
			t.Errorf("%d writes in %v", len(sink.Writes()), time.Since(began))
		}
	})
	bubble(t, "of all attempts", func(t *testing.T) {
		sink, began := slow(), time.Now()
		p := retry.Policy{Idempotent: true}
		if err := flow.Into(intSink(sink)).Retry(p).Timeout(10*time.Second).Write(t.Context(), []connector.Message[int]{{Value: 1}}); connector.ClassOf(err) != connector.ClassAmbiguous {
			t.Error(err)
		}
		if len(sink.Writes()) != 1 || time.Since(began) != 10*time.Second {
			t.Errorf("%d writes in %v", len(sink.Writes()), time.Since(began))
		}
	})
	bubble(t, "that does not run out", func(t *testing.T) {
		sink := slow()
		if err := flow.Into(intSink(sink)).Timeout(2*time.Minute).Write(t.Context(), []connector.Message[int]{{Value: 1}}); err != nil {
			t.Error(err)
		}
	})
}

// checked is a sink that can be flushed and asked for its health.
type checked struct {
	*memory.Sink[int]

	health error
}

func (c *checked) CheckHealth(context.Context) error { return c.health }

// TestDeliveryIsTheSinkInside: what the sink declares and can do, the Delivery can.
func TestDeliveryIsTheSinkInside(t *testing.T) {
	sink := &checked{Sink: memory.NewSink[int](), health: errBad}
	sink.Declare(connector.Capabilities{Name: "table invoices", Durable: true, Ordered: true})
	into := flow.Into(connector.Sink[int](sink)).Retry(retry.Policy{}).Timeout(time.Second)
	if got := into.Describe(); got != sink.Describe() {
		t.Errorf("it declares %+v, want %+v", got, sink.Describe())
	}
	if err := into.CheckHealth(t.Context()); !errors.Is(err, errBad) {
		t.Errorf("health %v", err)
	}
	sink.ScriptFlush(memory.Pass(), memory.Fail(errBad))
	p := flow.New("flush", flow.From(memory.NewSource(1)).To(into))
	mustRun(t, p)
	if sink.Flushes() != 1 {
		t.Errorf("flushed %d times at the end of a run", sink.Flushes())
	}
	if err := p.Run(t.Context()); !errors.Is(err, errBad) || !strings.Contains(err.Error(), "stage to: flush") {
		t.Errorf("a failed flush: %v", err)
	}
	plain := flow.Into(connector.Sink[int](&scripted{}))
	if plain.CheckHealth(t.Context()) != nil || plain.Flush(t.Context()) != nil {
		t.Error("a sink that can do neither")
	}
}

func TestDeliveryWithoutASink(t *testing.T) {
	for _, d := range []flow.Delivery[int]{{}, flow.Into[int](nil), flow.Into[int](nil).Timeout(time.Second).Retry(retry.Policy{})} {
		if err := d.Write(t.Context(), []connector.Message[int]{{Value: 1}}); connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("Write returned %v", err)
		}
		if d.Flush(t.Context()) != nil || d.CheckHealth(t.Context()) != nil || d.Describe() != (connector.Capabilities{}) || d.Retried() != 0 {
			t.Error("a Delivery without a sink does something")
		}
	}
}

// TestDeadLetterInto: policies work at the dead-letter sink as well.
func TestDeadLetterInto(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rejected := newDead()
		rejected.Script(memory.Fail(connector.Transient(errBad)).Times(2))
		into := flow.Into(connector.Sink[connector.DeadLetter[int]](rejected)).Retry(retry.Policy{})
		p := flow.New("dead", flow.From(memory.NewSource(1)).DeadLetter(into).Map(failAt(1)).To(memory.NewSink[int]()))
		mustRun(t, p)
		if len(rejected.Values()) != 1 || into.Retried() != 2 {
			t.Errorf("letters %v after %d retries", rejected.Values(), into.Retried())
		}
		if got := fmt.Sprint(p.Graph().Stages[1].Options); got != "[{retry 3 attempts}]" {
			t.Errorf("options %s", got)
		}
	})
}

// TestDeliveriesAreImmutable: a policy more leaves the Delivery before as it was.
func TestDeliveriesAreImmutable(t *testing.T) {
	base := flow.Into(intSink(memory.NewSink[int]())).Timeout(time.Second)
	_ = base.Timeout(-1)
	_ = base.Retry(retry.Policy{})
	p := flow.New("p", flow.From(memory.NewSource(1)).To(base))
	if err := p.Check(); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(p.Graph().Stages[1].Options); got != "[{timeout 1s}]" {
		t.Errorf("options %s", got)
	}
}
