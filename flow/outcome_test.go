package flow_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/flow"
)

const stopAfter = 10 * time.Minute

// randomGraphs is how many pipelines are built; the environment may ask for more.
func randomGraphs(t *testing.T) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(cmp.Or(os.Getenv("MILLRACE_GRAPHS"), "300"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}

	return n
}

// TestEveryMessageHasOneOutcome builds random pipelines with faults in them and checks
// what must be true of every pipeline.
func TestEveryMessageHasOneOutcome(t *testing.T) {
	var total flow.Ledger
	for seed := range randomGraphs(t) {
		for _, stop := range []time.Duration{stopAfter, time.Duration(seed%50) * 20 * time.Millisecond} {
			t.Run(fmt.Sprintf("seed %d stop %v", seed, stop), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					l := oneOutcome(t, seed, stop)
					total.Source, total.Derived = plus(total.Source, l.Source), plus(total.Derived, l.Derived)
				})
			})
		}
	}
	t.Log(total)
	for _, l := range []flow.Line{total.Source, total.Derived} {
		if l.Delivered == 0 || l.Filtered == 0 || l.Duplicate == 0 || l.Dropped == 0 || l.DeadLettered == 0 || l.Returned == 0 {
			t.Errorf("the pipelines do not cover every outcome: %v", l)
		}
	}
}

func plus(a, b flow.Line) flow.Line {
	return flow.Line{
		In: a.In + b.In, Delivered: a.Delivered + b.Delivered, Filtered: a.Filtered + b.Filtered,
		Duplicate: a.Duplicate + b.Duplicate, Dropped: a.Dropped + b.Dropped,
		DeadLettered: a.DeadLettered + b.DeadLettered, Returned: a.Returned + b.Returned,
	}
}

func oneOutcome(t *testing.T, seed uint64, stop time.Duration) flow.Ledger {
	t.Helper()
	m := &maker{t: t, rng: rand.New(rand.NewPCG(seed, 1)), ordered: true}
	p := m.build()
	defer func() {
		if t.Failed() {
			t.Logf("pipeline:\n  %s\n%v", strings.Join(m.text, "\n  "), p.Ledger())
		}
	}()
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), stop)
	defer cancel()
	err := p.Run(ctx)
	if ctx.Err() != nil && stop == stopAfter && !m.leased && p.Ledger().Source.Returned < 100 {
		t.Errorf("it did not end by itself")
	}
	if stopped, ok := errors.AsType[*flow.StoppedError](err); ok {
		t.Errorf("something hung: %+v", stopped.Left)
	}
	l := p.Ledger()
	if !l.Balanced() || l.Source.InFlight != 0 || l.Derived.InFlight != 0 {
		t.Errorf("after %v the ledger does not balance: %v", err, l)
	}
	handed, returned := 0, l.Source.Returned > 0
	for _, s := range m.sources {
		s.ended()
		handed += s.handed
	}
	if l.Source.In != int64(handed) || l.Source.Unconfirmed != 0 {
		t.Errorf("%d messages were handed out, the ledger has %v with %d unconfirmed", handed, l.Source, l.Source.Unconfirmed)
	}
	for _, s := range m.sinks {
		if m.ordered && !returned && !slices.IsSorted(s.Values()) {
			t.Errorf("the order was lost: %v", s.Values())
		}
	}
	for _, q := range m.queues {
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	}

	return l
}
