package conntest

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// transactions holds the cases of Update.
func (c storeCases) transactions() {
	c.run("update/all or nothing", "", c.allOrNothing)
	c.run("update/sees its own changes", "", c.ownChanges)
	c.run("update/compares versions", "", c.compareInUpdate)
	c.run("update/a panic undoes it", "", c.panicInUpdate)
	c.run("update/nobody sees half", "", c.halves)
	c.run("update/counts", "", c.countInUpdate)
	c.run("update/what was read stays true", "", c.skew)
}

func (c storeCases) allOrNothing(t *testing.T) {
	o := c.open(t)
	o.set("a", "one")
	o.set("b", "one")
	err := o.tryUpdate(func(tx shelf) error {
		tx.set("a", "two")
		tx.remove("b", connector.Any)
		tx.set("c", "two")

		return errRefused
	})
	if !errors.Is(err, errRefused) {
		t.Errorf("Update: error %v, want that of the function", err)
	}
	o.is("a", "one")
	o.is("b", "one")
	o.keys("", "", "a", "b")
	var inside connector.Version
	o.update(func(tx shelf) error {
		inside = tx.set("a", "two")
		tx.remove("b", connector.Any)
		tx.set("c", "two")

		return nil
	})
	if entry := o.is("a", "two"); entry.Version != inside {
		t.Errorf("version %d after the transaction, %d in it", entry.Version, inside)
	}
	o.keys("", "", "a", "c")
	o.update(func(shelf) error { return nil })
}

func (c storeCases) ownChanges(t *testing.T) {
	o := c.open(t)
	o.set("a", "one")
	o.set("b", "one")
	o.update(func(tx shelf) error {
		version := tx.set("c", "two")
		tx.is("c", "two")
		tx.put("c", "three", version, 0)
		tx.is("c", "three")
		tx.remove("b", connector.Any)
		tx.absent("b")
		tx.keys("", "", "a", "c")
		tx.keys("b", "", "c")
		tx.put("b", "again", connector.Absent, 0)

		return nil
	})
	o.is("b", "again")
	o.is("c", "three")
}

func (c storeCases) compareInUpdate(t *testing.T) {
	o := c.open(t)
	version := o.set("a", "one")
	err := o.tryUpdate(func(tx shelf) error {
		tx.set("b", "new")
		_, err := tx.Put(tx.ctx, "a", []byte("two"), version+1, 0)

		return err
	})
	o.conflict(err)
	o.is("a", "one")
	o.absent("b")
	o.update(func(tx shelf) error {
		tx.conflict(tx.Delete(tx.ctx, "a", version+1)) // handled, so the rest counts
		tx.put("a", "two", version, 0)

		return nil
	})
	o.is("a", "two")
}

func (c storeCases) panicInUpdate(t *testing.T) {
	o := c.open(t)
	func() {
		defer func() {
			_ = recover() // a store may also make an error of it
		}()
		if err := o.tryUpdate(func(tx shelf) error {
			tx.set("a", "half")
			panic("boom")
		}); err == nil {
			t.Error("Update succeeded though its function panicked")
		}
	}()
	o.absent("a")
	o.set("a", "one") // nothing is locked
	o.update(func(tx shelf) error { tx.set("b", "one"); return nil })
	o.keys("", "", "a", "b")
}

// halves moves a token between two keys while others look.
func (c storeCases) halves(t *testing.T) {
	o := c.open(t)
	o.set("a", "token")
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 20 {
			from, to := "a", "b"
			if i%2 == 1 {
				from, to = to, from
			}
			if err := o.tryUpdate(func(tx shelf) error { return move(tx, from, to) }); err != nil {
				t.Errorf("Update: %v", err)
			}
		}
	})
	for range 3 {
		wg.Go(func() {
			for range 20 {
				if n := o.tokens(); n != 1 {
					t.Errorf("%d tokens were seen, want 1", n)
				}
			}
		})
	}
	wg.Wait()
}

func move(tx shelf, from, to string) error {
	if err := tx.Delete(tx.ctx, from, connector.Any); err != nil {
		return err
	}
	_, err := tx.Put(tx.ctx, to, []byte("token"), connector.Absent, 0)

	return err
}

// tokens counts the entries in one transaction.
func (o safe) tokens() int {
	n := 0
	if err := o.tryUpdate(func(tx shelf) error {
		n = 0
		for _, err := range tx.Scan(tx.ctx, "", "") {
			if err != nil {
				return err
			}
			n++
		}

		return nil
	}); err != nil {
		o.t.Errorf("Update: %v", err)
	}

	return n
}

func (c storeCases) countInUpdate(t *testing.T) {
	o := c.open(t)
	o.set("n", "")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				if err := o.tryUpdate(addOne); err != nil {
					t.Errorf("Update: %v", err)
				}
			}
		})
	}
	wg.Wait()
	o.is("n", strings.Repeat("+", 20))
}

func addOne(tx shelf) error {
	entry, err := tx.Get(tx.ctx, "n")
	if err != nil {
		return err
	}
	_, err = tx.Put(tx.ctx, "n", append(entry.Value, '+'), connector.Any, 0)

	return err
}

// skew lets two transactions each read both keys and take one, if neither is taken.
func (c storeCases) skew(t *testing.T) {
	o := c.open(t)
	for range 10 {
		o.remove("a", connector.Any)
		o.remove("b", connector.Any)
		var wg sync.WaitGroup
		for _, key := range []string{"a", "b"} {
			wg.Go(func() {
				if err := o.tryUpdate(func(tx shelf) error { return takeOne(tx, key) }); err != nil {
					t.Errorf("Update: %v", err)
				}
			})
		}
		wg.Wait()
		if n := o.tokens(); n != 1 {
			t.Errorf("%d keys were taken, want 1", n)
		}
	}
}

func takeOne(tx shelf, key string) error {
	for _, err := range tx.Scan(tx.ctx, "", "") {
		return err // there is one: leave it, or report the error
	}
	_, err := tx.Put(tx.ctx, key, nil, connector.Absent, 0)

	return err
}
