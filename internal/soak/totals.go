package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

// total is a group of orders of one customer.
type total struct {
	ID     string
	Orders []int
}

// totals groups the orders of each customer in the store.
func (l *life) totals() *flow.Pipeline {
	sink := connector.SinkFunc[total](l.round.groups.write)
	groups := flow.From[order](l.forTotals).
		KeyBy(func(o order) int { return o.Customer }).StoredIn(l.state).
		Aggregate(flow.Completion{Count: 25, Idle: 300 * time.Millisecond}, func(list []int, o order) []int {
			return append(slices.Clone(list), o.ID)
		}).As("groups").
		MapMessage(func(_ context.Context, m connector.Message[flow.Group[int, []int]]) (connector.Message[total], error) {
			return connector.Derive(m, total{m.ID(), m.Value.Value}), nil
		})
	faulty := newFaultySink(sink, l.dice, "totals sink", ignore)

	return flow.New("totals",
		groups.Batch(16, 20*time.Millisecond).To(flow.Into(faulty).Timeout(patience).Retry(again))).
		With(flow.Config{Drain: time.Minute})
}

// groups collects the completed groups of a round. One that comes again must be the same.
type groups struct {
	*record

	mu   sync.Mutex
	seen map[string]string
}

func newGroups(n int) *groups {
	return &groups{record: newRecord("totals", n), seen: make(map[string]string)}
}

func (g *groups) write(_ context.Context, messages []connector.Message[total]) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range messages {
		text := fmt.Sprint(m.Value.Orders)
		switch earlier, again := g.seen[m.Value.ID]; {
		case !again:
			g.seen[m.Value.ID] = text
			for _, id := range m.Value.Orders {
				g.effect(id)
			}
		case earlier != text:
			g.problem("group %s was %s and came again as %s", m.Value.ID, earlier, text)
		}
	}

	return nil
}

// checkAgainst wants every order in exactly one group, whatever came again. An order with
// a letter may have failed on its way to the groups.
func (g *groups) checkAgainst(orders *record) error {
	orders.mu.Lock()
	copy(g.dead, orders.dead)
	orders.mu.Unlock()

	return g.check(fateOfOrder)
}
