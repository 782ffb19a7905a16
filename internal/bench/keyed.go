package main

import (
	"context"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

// groupSize completes a group.
const groupSize = 8

func customer(r record) int64               { return r.Customer }
func addAmount(total int64, r record) int64 { return total + r.Amount }

// The key and the fold are called through variables, like the stages of the chain.
var (
	keyOf = customer
	fold  = addAmount
)

// grouped is a sink that counts the members of groups.
type grouped struct{ members int }

func (g *grouped) Write(_ context.Context, messages []connector.Message[flow.Group[int64, int64]]) error {
	for i := range messages {
		g.members += messages[i].Value.Count
	}

	return nil
}

func keyeds() family {
	ours := contestant{"millrace", func(_ *desk, n int) (job, error) {
		to := &grouped{}
		groups := flow.From(newChunked(byKeys, n)).KeyBy(keyOf).Aggregate(flow.Completion{Count: groupSize}, fold)
		p := flow.New("keyed", groups.To(to))

		return func() (int, error) {
			err := p.Run(context.Background())

			return to.members, err
		}, nil
	}}
	byHand := contestant{"the loop", func(_ *desk, n int) (job, error) { return groupByHand(n), nil }}

	return family{
		name: "keyed", title: "Aggregation by key and count",
		intro: "64 keys in turn; a group is complete with eight members, adds up their amounts, and goes to the sink. Its members " +
			"are in flight until then. The loop keeps the groups in a map. Counted are the elements.",
		rows: []row{{
			name: "aggregate by count", unit: "element", ours: ours, baseline: byHand, step: ringSize, byCPU: true,
			floors: []floor{atMostNanos(250, ours.name, "element")},
		}},
	}
}

var byKeys = makeRing(func(i int64) record { return record{ID: i, Customer: i % 64, Amount: i % 100} })

func groupByHand(n int) job {
	return func() (int, error) {
		type group struct {
			total int64
			count int
		}
		ctx, to, s := context.Background(), &grouped{}, newChunked(byKeys, n)
		var sink connector.Sink[flow.Group[int64, int64]] = to
		groups := map[int64]group{}
		one := make([]connector.Message[flow.Group[int64, int64]], 1)
		for {
			messages, err := s.Read(ctx, chunk)
			if err != nil {
				return to.members, ended(err)
			}
			for i := range messages {
				r := messages[i].Value
				key := keyOf(r)
				g := groups[key]
				g = group{fold(g.total, r), g.count + 1}
				if g.count < groupSize {
					groups[key] = g

					continue
				}
				delete(groups, key)
				one[0].Value = flow.Group[int64, int64]{Key: key, Value: g.total, Count: g.count}
				if err := sink.Write(ctx, one); err != nil {
					return to.members, err
				}
			}
		}
	}
}
