package memory

import (
	"slices"
	"time"
)

// sweepFrom is how many rows a table has at least before ended ones are looked for.
const sweepFrom = 1024

// table is rows under ordered keys, each with the time at which it ends. The zero table
// is empty.
type table[V any] struct {
	rows  map[string]row[V]
	keys  []string // in ascending order
	sweep int      // look for ended rows when there are as many
}

type row[V any] struct {
	value V
	ends  time.Time // zero: never
}

func (r row[V]) over(now time.Time) bool { return !r.ends.IsZero() && !r.ends.After(now) }

// get returns the row unless it has ended.
func (t *table[V]) get(key string, now time.Time) (row[V], bool) {
	r, ok := t.rows[key]
	if !ok || r.over(now) {
		return row[V]{}, false
	}

	return r, true
}

func (t *table[V]) set(key string, r row[V], now time.Time) {
	t.tidy(now)
	if t.rows == nil {
		t.rows = map[string]row[V]{}
	}
	if _, ok := t.rows[key]; !ok {
		at, _ := slices.BinarySearch(t.keys, key)
		t.keys = slices.Insert(t.keys, at, key)
	}
	t.rows[key] = r
}

func (t *table[V]) remove(key string) {
	if _, ok := t.rows[key]; !ok {
		return
	}
	delete(t.rows, key)
	at, _ := slices.BinarySearch(t.keys, key)
	t.keys = slices.Delete(t.keys, at, at+1)
}

// tidy removes the ended rows now and then: each row pays for a constant share of it, and
// there are never more than twice as many as live ones, or sweepFrom.
func (t *table[V]) tidy(now time.Time) {
	if len(t.rows) < max(t.sweep, sweepFrom) {
		return
	}
	t.keys = slices.DeleteFunc(t.keys, func(key string) bool {
		over := t.rows[key].over(now)
		if over {
			delete(t.rows, key)
		}

		return over
	})
	t.sweep = 2 * len(t.rows)
}

// within returns the keys with from <= key < to; an empty to means no upper bound.
func (t *table[V]) within(from, to string) []string {
	first, _ := slices.BinarySearch(t.keys, from)
	last := len(t.keys)
	if to != "" {
		last, _ = slices.BinarySearch(t.keys, to)
	}

	return t.keys[min(first, last):last]
}
