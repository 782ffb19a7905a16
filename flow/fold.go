package flow

import (
	"context"
	"fmt"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/wallclock"
)

// Fold keeps a running value for each key: add makes it of the value so far (the zero Acc
// at first) and the next message, and must not change the value that it is given in
// place. A message of one key more than Config.MaxKeys fails. Every message goes on as the
// new state of its key. Where a message fails at once below, its key has the state from
// before again. In memory the state ends with the run,
// and a message that the source hands out again is counted again; see StoredIn.
func (k Keyed[Key, T]) Fold[Acc any](add func(Acc, T) Acc) Flow[Group[Key, Acc]] {
	n := stageNode[Group[Key, Acc]]("fold", k.flow.n)
	k.define(n)
	k.unforced(n)
	n.require(add != nil, "the function is nil")
	n.wire = func(w *wiring, n *node) any {
		next, c := w.feed(n).(push[Group[Key, Acc]]), w.counter(n)
		if k.durable {
			return newStoredFold(w, n, c, k, add, next)
		}

		return memoryFold(c, k.key, add, next)
	}

	return Flow[Group[Key, Acc]]{n: n}
}

func memoryFold[Key comparable, T, Acc any](
	c *counter, key func(T) Key, add func(Acc, T) Acc, next push[Group[Key, Acc]],
) push[T] {
	state := make(map[Key]Group[Key, Acc])
	var after Group[Key, Acc] // one for all messages, as in mapped

	return func(ctx context.Context, it *item, value *T) error {
		c.begin()
		k := key(*value)
		before, known := state[k]
		if most := c.lane.run.config.MaxKeys; !known && len(state) >= most {
			return c.fail(it, fmt.Errorf("more than %d keys (Config.MaxKeys): store the state, or split the keys over several flows", most))
		}
		after = Group[Key, Acc]{Key: k, Value: add(before.Value, *value), Count: before.Count + 1}
		state[k] = after
		failed := true
		defer func() { // a panic below is a failure too
			switch {
			case !failed:
			case known:
				state[k] = before
			default:
				delete(state, k)
			}
		}()
		err := next(ctx, it, &after)
		failed = err != nil && err != errHeld //nolint:errorlint // a sentinel that is never wrapped

		return err
	}
}

// storedFold commits the messages of one pass in one transaction, and lets them go on
// afterwards.
type storedFold[Key comparable, T, Acc any] struct {
	run     *run
	c       *counter
	key     func(T) Key
	add     func(Acc, T) Acc
	next    push[Group[Key, Acc]]
	state   states[Key, Acc]
	waiting []entry[T]
}

func newStoredFold[Key comparable, T, Acc any](
	w *wiring, n *node, c *counter, k Keyed[Key, T], add func(Acc, T) Acc, next push[Group[Key, Acc]],
) push[T] {
	f := &storedFold[Key, T, Acc]{
		run: w.run, c: c, key: k.key, add: add, next: next,
		state: newStates[Key, Acc](k.store, w.run.pipeline.name, w.plan.names[n]),
	}
	w.lane.passes = append(w.lane.passes, f.commit)

	return f.push
}

// mostPerCommit bounds the messages that share a transaction.
const mostPerCommit = 256

func (f *storedFold[Key, T, Acc]) push(ctx context.Context, it *item, value *T) error {
	f.c.begin()
	f.waiting = append(f.waiting, entry[T]{it, *value})
	if len(f.waiting) >= mostPerCommit {
		f.commit(ctx)
	}

	return errHeld
}

func (f *storedFold[Key, T, Acc]) commit(ctx context.Context) bool {
	waiting := f.waiting
	if len(waiting) == 0 {
		return false
	}
	f.waiting = nil
	results := make([]Group[Key, Acc], len(waiting))
	err := guard(func() error {
		return f.state.store.Update(ctx, func(tx connector.KV) error {
			for i, e := range waiting {
				group, err := f.fold(ctx, tx, e)
				if err != nil {
					return err
				}
				results[i] = group.Group
			}

			return nil
		})
	})
	switch {
	case err == nil:
		for i := range waiting {
			launch(ctx, f.c.lane, f.next, waiting[i].it, &results[i])
		}
	case len(waiting) > 1 && connector.ClassOf(err) == connector.ClassPermanent:
		// One message cannot be stored: find out which.
		for _, e := range waiting {
			f.waiting = append(f.waiting, e)
			f.commit(ctx)
		}
	default:
		completeAll(f.c, waiting, err)
	}

	return true
}

// fold adds one message to its key, unless it was added before.
func (f *storedFold[Key, T, Acc]) fold(ctx context.Context, tx connector.KV, e entry[T]) (stored[Key, Acc], error) {
	group, name, err := f.state.load(ctx, tx, f.key(e.value))
	if err != nil {
		return group, err
	}
	seen, err := f.state.see(ctx, tx, e.it.meta.ID())
	if err != nil || seen {
		return group, err
	}
	group.Value = f.add(group.Value, e.value)
	group.Count++
	group.Last = wallclock.Now()

	return group, f.state.save(ctx, tx, name, group)
}
