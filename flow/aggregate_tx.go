package flow

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// groupTx is one transaction of a stored aggregate. What it changes in memory is kept
// apart until the commit.
type groupTx[Key comparable, T, Acc any] struct {
	a *storedAggregate[Key, T, Acc]
	// changed has the times of groups that changed; size counts the open ones.
	changed map[Key]span
	size    int
	done    []doneGroup[Key, Acc]
}

func (a *storedAggregate[Key, T, Acc]) begin() *groupTx[Key, T, Acc] {
	return &groupTx[Key, T, Acc]{a: a}
}

// update runs fn in a transaction, afresh each time that the store repeats it.
func (t *groupTx[Key, T, Acc]) update(ctx context.Context, fn func(tx connector.KV) error) error {
	return guard(func() error {
		return t.a.state.store.Update(ctx, func(tx connector.KV) error {
			t.changed, t.size, t.done = make(map[Key]span), len(t.a.open), nil
			if err := t.a.owns(ctx, tx); err != nil {
				return err
			}

			return fn(tx)
		})
	})
}

// apply takes over what was committed.
func (t *groupTx[Key, T, Acc]) apply() {
	for k, s := range t.changed {
		if s.open() {
			t.a.open[k] = s
			t.a.wake(s)
		} else {
			delete(t.a.open, k)
		}
	}
	t.a.collect(t.done)
}

// times returns the times of a group, as far as this run knows it.
func (t *groupTx[Key, T, Acc]) times(k Key) span {
	if s, known := t.changed[k]; known {
		return s
	}

	return t.a.open[k]
}

// touched returns the times of a group that gets a message. When it got its first, this run
// knows best: what is stored moves with the clock.
func (t *groupTx[Key, T, Acc]) touched(k Key, before stored[Key, Acc]) span {
	s := t.times(k)
	now := time.Now()
	switch {
	case s.open():
	case before.Count > 0:
		s = before.span()
	default:
		s.first = now
	}
	s.last = now

	return s
}

// keys lists the open groups, in the same order each time.
func (t *groupTx[Key, T, Acc]) keys() []Key {
	all := make([]Key, 0, t.size)
	for k := range t.a.open {
		if _, known := t.changed[k]; !known {
			all = append(all, k)
		}
	}
	for k, s := range t.changed {
		if s.open() {
			all = append(all, k)
		}
	}

	slices.SortFunc(all, func(x, y Key) int { return cmp.Compare(fmt.Sprint(x), fmt.Sprint(y)) })

	return all
}

// take adds one message to its group, unless it was added before.
func (t *groupTx[Key, T, Acc]) take(ctx context.Context, tx connector.KV, e entry[T]) error {
	a := t.a
	seen, err := a.state.see(ctx, tx, e.it.meta.ID())
	if err != nil || seen {
		return err
	}
	k := a.key(e.value)
	if !t.times(k).open() {
		if err := t.room(ctx, tx); err != nil {
			return err
		}
		t.size++
	}
	group, name, err := a.state.load(ctx, tx, k)
	if err != nil {
		return err
	}
	s := t.touched(k, group)
	group.Value = a.add(group.Value, e.value)
	group.Count++
	group.stamp(s)
	t.changed[k] = s
	if err := a.state.save(ctx, tx, name, group); err != nil {
		return err
	}
	switch {
	case group.Count == a.when.Count:
		return t.close(ctx, tx, k, CountReached)
	case anyHolds(a.until, group.Value):
		return t.close(ctx, tx, k, PredicateHeld)
	default:
		return nil
	}
}

// room makes sure that a new group may be opened.
func (t *groupTx[Key, T, Acc]) room(ctx context.Context, tx connector.KV) error {
	if t.a.when.NewKey {
		for _, k := range t.keys() {
			if err := t.close(ctx, tx, k, KeyChanged); err != nil {
				return err
			}
		}
	}
	if most := t.a.run.config.MaxKeys; t.size >= most {
		return permanent(fmt.Errorf("more than %d open groups (Config.MaxKeys): complete them sooner", most))
	}

	return nil
}

// close moves a group to the done ones.
func (t *groupTx[Key, T, Acc]) close(ctx context.Context, tx connector.KV, key Key, reason Reason) error {
	group, name, err := t.a.state.load(ctx, tx, key)
	if err != nil {
		return err
	}
	group.Reason = reason
	if err = tx.Delete(ctx, name, connector.Any); err != nil {
		return fmt.Errorf("remove the open group: %w", err)
	}
	done, err := t.doneName(ctx, tx)
	if err != nil {
		return err
	}
	if err = t.a.state.save(ctx, tx, done, group); err != nil {
		return err
	}
	t.changed[key] = span{}
	t.size--
	t.done = append(t.done, doneGroup[Key, Acc]{name: done, group: group.Group})

	return nil
}

// doneName returns a name that no other done group of the stage ever had. It grows, so
// that groups are emitted again in their order.
func (t *groupTx[Key, T, Acc]) doneName(ctx context.Context, tx connector.KV) (string, error) {
	version, err := tx.Put(ctx, t.a.state.prefix+doneCount, nil, connector.Any, 0)
	if err != nil {
		return "", fmt.Errorf("number the done group: %w", err)
	}

	return fmt.Sprintf("%s%s%020d", t.a.state.prefix, doneGroups, version), nil
}
