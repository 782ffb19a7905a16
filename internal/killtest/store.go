package killtest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

// keys is how many keys the stored groups have, groupSize how many messages complete one.
const (
	keys      = 7
	groupSize = 5
)

// Store are the targets of a durable store: a flow with an idempotent receiver, one with
// a running value for each key, and one with groups, all kept in the store. open opens
// the store that is kept in dir.
func Store(name string, open func(dir string) (connector.Store, error)) []Target {
	return []Target{
		{Name: name + " once", Run: stored(open, 2*Work, once), Check: checkOnce},
		{Name: name + " fold", Run: stored(open, Work, fold), Check: checkFold},
		{Name: name + " aggregate", Run: stored(open, Work, aggregate), Check: checkGroups},
	}
}

// stored makes the program of a flow over a store.
func stored[Out any](
	open func(dir string) (connector.Store, error), work int,
	build func(in flow.Flow[int], store connector.Store) flow.Flow[Out],
) func(ctx context.Context, dir string, report *Report) error {
	return func(ctx context.Context, dir string, report *Report) error {
		in, err := openJournal(dir, work)
		if err != nil {
			return err
		}
		store, err := open(dir)
		if err != nil {
			return err
		}
		out, err := openOutput[Out](dir)
		if err != nil {
			return err
		}
		end := build(flow.From(Tracked(in, report, same)), store).To(out)

		return closing(Complete(ctx, "stored", end), store)
	}
}

// once lets pass one of the two messages of each key: i and i + Work.
func once(in flow.Flow[int], store connector.Store) flow.Flow[int] {
	return in.Once(store, func(i int) string { return strconv.Itoa(i % Work) }, 0).As("once")
}

// checkOnce wants each key once, and again only where a kill met one of its messages in
// hand: between an effect and its confirmation a crash can repeat the effect.
func checkOnce(t testing.TB, dir string, h History) {
	t.Helper()
	byKey := History{Kills: h.Kills, Open: make(map[int]int)}
	for m, kills := range h.Open {
		byKey.Open[m%Work] += kills
	}
	var found []int
	for _, m := range effects[int](t, dir) {
		found = append(found, m%Work)
	}
	byKey.CheckCounts(t, found, true)
}

// fold adds up the messages of each key, and counts them.
func fold(in flow.Flow[int], store connector.Store) flow.Flow[state] {
	return in.KeyBy(func(i int) int { return i % keys }).StoredIn(store).
		Fold(func(sum, i int) int { return sum + i }).As("sums").
		Map(flow.Pure(func(g flow.Group[int, int]) state { return state{g.Key, g.Value, g.Count} }))
}

type state struct{ Key, Sum, Count int }

// checkFold wants the last state of each key to hold each of its messages exactly once.
func checkFold(t testing.TB, dir string, _ History) {
	t.Helper()
	last := make(map[int]state)
	for _, s := range effects[state](t, dir) {
		if s.Count >= last[s.Key].Count {
			last[s.Key] = s
		}
	}
	for key := range keys {
		want := state{Key: key}
		for i := key; i < Work; i += keys {
			want.Sum, want.Count = want.Sum+i, want.Count+1
		}
		if last[key] != want {
			t.Errorf("key %d ends as %+v, want %+v", key, last[key], want)
		}
	}
}

// aggregate makes groups of the messages of each key.
func aggregate(in flow.Flow[int], store connector.Store) flow.Flow[group] {
	return in.KeyBy(func(i int) int { return i % keys }).StoredIn(store).
		Aggregate(flow.Completion{Count: groupSize, Idle: time.Hour}, func(list []int, i int) []int {
			return append(slices.Clone(list), i)
		}).As("groups").
		MapMessage(func(_ context.Context, m connector.Message[flow.Group[int, []int]]) (connector.Message[group], error) {
			return connector.Derive(m, group{m.ID(), m.Value.Value}), nil
		})
}

type group struct {
	ID       string
	Messages []int
}

// checkGroups wants every message in exactly one group, and a group repeated only by a
// kill, under the same ID and with the same content.
func checkGroups(t testing.TB, dir string, h History) {
	t.Helper()
	content, times := make(map[string]string), make(map[string]int)
	var found []int
	for _, g := range effects[group](t, dir) {
		text := fmt.Sprint(g.Messages)
		if times[g.ID]++; times[g.ID] == 1 {
			content[g.ID] = text
			found = append(found, g.Messages...)
		}
		if content[g.ID] != text {
			t.Errorf("group %s is %s, and was %s", g.ID, text, content[g.ID])
		}
		if times[g.ID] > 1+h.Kills {
			t.Errorf("group %s was emitted %d times, with %d kills", g.ID, times[g.ID], h.Kills)
		}
	}
	h.CheckCounts(t, found, false)
}
