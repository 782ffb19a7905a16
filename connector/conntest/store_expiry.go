package conntest

import (
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// expiry holds the cases of a ttl.
func (c storeCases) expiry() {
	c.run("ttl/vanishes", "", c.vanish)
	c.run("ttl/changes do not resurrect", "", c.changeExpired)
	c.run("ttl/put sets it anew", "", c.putAnew)
	c.run("ttl/in a transaction", "", c.expireInUpdate)
}

func (c storeCases) vanish(t *testing.T) {
	o := c.open(t)
	before := time.Now()
	o.put("a", "x", connector.Absent, 2*c.unit())
	o.set("b", "x")
	// A store may round the time, by less than a second.
	if left := o.is("a", "x").Expires.Sub(before); left < 2*c.unit()-time.Second || left > 2*c.unit()+c.wait {
		t.Errorf("expires in %v, want %v", left, 2*c.unit())
	}
	pause(t, c.unit())
	o.is("a", "x")
	o.keys("", "", "a", "b")
	pause(t, c.unit()+c.unit()/4)
	o.absent("a")
	o.keys("", "", "b")
}

// changeExpired uses the version of an entry that vanished.
func (c storeCases) changeExpired(t *testing.T) {
	o := c.open(t)
	version := o.put("a", "x", connector.Absent, c.unit())
	pause(t, c.unit()+c.unit()/4)
	_, err := o.Put(o.ctx, "a", []byte("y"), version, 0)
	o.conflict(err)
	o.conflict(o.Delete(o.ctx, "a", version))
	o.remove("a", connector.Any)
	o.absent("a")
	if again := o.put("a", "z", connector.Absent, 0); again <= version {
		t.Errorf("version %d follows %d", again, version)
	}
	o.is("a", "z")
}

func (c storeCases) putAnew(t *testing.T) {
	o := c.open(t)
	o.put("forever", "x", connector.Absent, c.unit())
	o.set("forever", "y")
	o.put("longer", "x", connector.Absent, c.unit())
	o.put("longer", "y", connector.Any, 4*c.unit())
	o.put("shorter", "x", connector.Absent, 0)
	o.put("shorter", "y", connector.Any, c.unit())
	pause(t, 2*c.unit())
	if entry := o.is("forever", "y"); !entry.Expires.IsZero() {
		t.Errorf("the entry expires at %v, want never", entry.Expires)
	}
	o.is("longer", "y")
	o.absent("shorter")
}

func (c storeCases) expireInUpdate(t *testing.T) {
	o := c.open(t)
	o.put("old", "x", connector.Absent, c.unit())
	pause(t, c.unit()+c.unit()/4)
	o.update(func(tx shelf) error {
		tx.absent("old")
		tx.keys("", "")
		tx.put("new", "y", connector.Absent, 2*c.unit())
		tx.is("new", "y")

		return nil
	})
	o.is("new", "y")
	pause(t, 2*c.unit()+c.unit()/4)
	o.absent("new")
}
