package killtest

import (
	"cmp"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

const (
	// killsVariable is how many kills with messages in hand each target must survive.
	killsVariable = "MILLRACE_KILLS"
	killsByItself = 8
	seed          = 537224
	// mostDelay after a line of the report reaches into whatever follows it: a commit
	// takes less.
	mostDelay = 2 * time.Millisecond
)

// Kills is how often each program is to be killed: the environment's number, or the given
// one.
func Kills(t testing.TB, byItself int) int {
	t.Helper()
	text := os.Getenv(killsVariable)
	if text == "" {
		return byItself
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%s: want a number of kills", killsVariable, text)
	}

	return n
}

// Test kills every target at seeded moments, as often as [Kills] says.
func Test(t *testing.T, targets ...Target) {
	t.Helper()
	for _, target := range targets {
		t.Run(target.Name, func(t *testing.T) {
			k := &killer{target: target, kills: Kills(t, cmp.Or(target.kills, killsByItself))}
			k.random = rand.New(rand.NewPCG(seed, uint64(k.kills)))
			k.run(t)
		})
	}
}

// killer kills one target.
type killer struct {
	target  Target
	kills   int
	random  *rand.Rand
	moments moments
}

func (k *killer) run(t testing.TB) {
	t.Helper()
	dir := k.dir(t)
	k.moments.whole = live(t, k.target.Name, dir, plan{})
	k.target.Check(t, dir, History{})
	for !t.Failed() && len(k.moments.list) < k.kills {
		k.chain(t)
	}
	if t.Failed() {
		t.Fatalf("seed %d, after %d kills", seed, len(k.moments.list))
	}
	k.moments.show(t)
}

// dir is a directory as the target wants it before its first run.
func (k *killer) dir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if k.target.Prepare != nil {
		if err := k.target.Prepare(dir); err != nil {
			t.Fatal(err)
		}
	}

	return dir
}

// chain kills program after program on one directory until one comes to its end, and
// checks what that leaves.
func (k *killer) chain(t testing.TB) {
	t.Helper()
	dir := k.dir(t)
	h, done := History{Open: make(map[int]int)}, 0
	for {
		l := live(t, k.target.Name, dir, k.choose())
		if !l.killed {
			break
		}
		h.Kills++
		done += l.settled
		for m, n := range l.inHand {
			h.Open[m] += n
		}
		if len(l.inHand) > 0 {
			k.moments.add(l, done)
		}
	}
	k.target.Check(t, dir, h)
	if t.Failed() {
		t.Logf("after %d kills on one directory", h.Kills)
	}
}

// choose picks a moment so that several kills fit into the work, or lets the program live
// where there were enough.
func (k *killer) choose() plan {
	if len(k.moments.list) >= k.kills {
		return plan{}
	}

	return plan{
		line:  1 + k.random.IntN(max(k.moments.whole.lines/3, 1)),
		delay: time.Duration(k.random.Int64N(int64(mostDelay))),
	}
}
