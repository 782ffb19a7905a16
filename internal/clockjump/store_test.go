package clockjump_test

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

func openStore(dir string) (*boltstore.Store, error) {
	return boltstore.Open(filepath.Join(dir, "store"), boltstore.Config{})
}

// claimProgram claims and confirms keys as it is told.
func claimProgram(c *console, dir string) error {
	store, err := openStore(dir)
	if err != nil {
		return err
	}
	ctx, claims := context.Background(), make(map[string]connector.Claim)
	c.on("claim", func(arguments []string) error {
		lease, err := time.ParseDuration(arguments[1])
		if err != nil {
			return err
		}
		claim, err := store.Claim(ctx, arguments[0], lease)
		if _, claimed := errors.AsType[*connector.ClaimedError](err); claimed {
			c.say("%s is claimed", arguments[0])

			return nil
		}
		if _, confirmed := errors.AsType[*connector.ConfirmedError](err); confirmed {
			c.say("%s is confirmed", arguments[0])

			return nil
		}
		claims[arguments[0]] = claim
		c.say("has %s", arguments[0])

		return err
	})
	c.on("extend", func(arguments []string) error {
		c.say("extended %s", arguments[0])

		return store.Extend(ctx, time.Minute, claims[arguments[0]])
	})
	c.on("confirm", func(arguments []string) error {
		ttl, err := time.ParseDuration(arguments[1])
		c.say("confirmed %s", arguments[0])

		return errors.Join(err, store.Confirm(ctx, ttl, claims[arguments[0]]))
	})
	c.say("began")

	return errors.Join(c.serve(), store.Close())
}

// TestClaimedWhileTheClockJumps: a claim lasts as long as its lease by the clock of the
// process, neither shorter nor for ever.
func TestClaimedWhileTheClockJumps(t *testing.T) {
	dir := t.TempDir()
	p := launch(t, "claim", dir, 0)
	p.tell("claim held 1m")
	p.tell("claim forgotten %v", lease)
	p.expect("has held", "has forgotten")
	for _, by := range []time.Duration{jump, -2 * jump} {
		p.jump(by)
		p.tell("claim held 1m") // its holder works on
		p.expect("held is claimed")
		p.tell("extend held")
		p.expect("extended held")
	}
	p.rest(2 * lease)
	p.tell("claim forgotten 1m") // although it ends hours ahead by the clock
	p.expect("has forgotten")
	p.kill()
	p = launch(t, "claim", dir, -2*jump)
	p.tell("claim held 1m") // a claim ends with its process
	p.expect("has held")
	p.end()
}

// TestConfirmedWhileTheClockJumps: a confirmation goes by the wall clock. Setting it back
// loses none.
func TestConfirmedWhileTheClockJumps(t *testing.T) {
	dir := t.TempDir()
	p := launch(t, "claim", dir, 0)
	p.tell("claim hour 1m")
	p.tell("claim ever 1m")
	p.tell("confirm hour 1h")
	p.tell("confirm ever 0s")
	p.expect("has hour", "has ever", "confirmed hour", "confirmed ever")
	p.jump(-jump)
	p.tell("claim hour 1m")
	p.tell("claim ever 1m")
	p.expect("hour is confirmed", "ever is confirmed")
	p.kill()
	p = launch(t, "claim", dir, jump)
	p.tell("claim ever 1m")
	p.tell("claim hour 1m") // an hour has passed, by the clock
	p.expect("ever is confirmed", "has hour")
	p.end()
}

func idleProgram(c *console, dir string) error {
	return groupProgram(c, dir, flow.Completion{Count: 3, Idle: 5 * time.Second})
}

func intervalProgram(c *console, dir string) error {
	return groupProgram(c, dir, flow.Completion{Count: 3, Interval: 5 * time.Second})
}

// groupProgram collects the numbers that it is told in stored groups of one key.
func groupProgram(c *console, dir string, when flow.Completion) error {
	store, err := openStore(dir)
	if err != nil {
		return err
	}
	feed := memory.NewFeed[int]()
	c.on("add", func(arguments []string) error {
		n, err := strconv.Atoi(arguments[0])
		feed.SendMessages(connector.NewMessage(n, connector.Fields{ID: arguments[0]}))
		for err == nil && feed.Outcome(arguments[0]) != connector.Delivered {
			time.Sleep(time.Millisecond)
		}
		c.say("added %d", n)

		return err
	})
	end := flow.From(feed).KeyBy(func(int) string { return "all" }).StoredIn(store).
		Aggregate(when, func(sum, n int) int { return sum + n }).As("sums").
		ForEach(func(_ context.Context, g flow.Group[string, int]) error {
			c.say("%d of %d: %v", g.Value, g.Count, g.Reason)

			return nil
		})
	err = c.begin(flow.New("groups", end).Run)

	return errors.Join(err, store.Close())
}

// TestGroupedWhileTheClockJumps: a group is neither torn by a jump nor kept open by it.
func TestGroupedWhileTheClockJumps(t *testing.T) {
	tests := []struct {
		name    string
		program string
		// add are added one after the other, with a jump after each.
		add   []int
		jumps []time.Duration
		// crash ends the process after that, and a later one runs on a clock that is ahead by
		// clock.
		crash bool
		clock time.Duration
		want  string
	}{
		{"whole across jumps", "idle", []int{1, 2, 4}, []time.Duration{jump, -2 * jump, 0}, false, 0, "7 of 3: count reached"},
		{"idle, forward", "idle", []int{1, 2}, []time.Duration{0, jump}, false, 0, "3 of 2: idle timeout"},
		{"idle, back", "idle", []int{1, 2}, []time.Duration{-jump, 0}, false, 0, "3 of 2: idle timeout"},
		{"interval, back", "interval", []int{1, 2}, []time.Duration{-jump, 0}, false, 0, "3 of 2: interval passed"},
		{"interval, forward", "interval", []int{1, 2}, []time.Duration{jump, 0}, false, 0, "3 of 2: interval passed"},
		{"idle, and a crash", "idle", []int{1, 2}, []time.Duration{0, 0}, true, -jump, "3 of 2: idle timeout"},
		{"interval, and a crash", "interval", []int{1, 2}, []time.Duration{0, 0}, true, -jump, "3 of 2: interval passed"},
		{"forth, back, and a crash", "interval", []int{1, 2}, []time.Duration{jump, 0}, true, 0, "3 of 2: interval passed"},
		{"forward, and a crash", "idle", []int{1, 2}, []time.Duration{0, 0}, true, jump, "3 of 2: idle timeout"},
	}
	running := make([]*process, len(tests)) // they wait at the same time
	for i, test := range tests {
		dir := t.TempDir()
		p := launch(t, test.program, dir, 0)
		for i, n := range test.add {
			p.tell("add %d", n)
			p.expect("added " + strconv.Itoa(n))
			p.jump(test.jumps[i])
		}
		if test.crash {
			p.kill()
			p = launch(t, test.program, dir, test.clock)
		}
		running[i] = p
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := running[i].in(t)
			p.expect(test.want)
			p.end()
		})
	}
}
