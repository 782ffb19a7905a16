package main

import (
	"context"
	"errors"
	"io"
	"math"
	"runtime"
	"testing"

	"github.com/millrace-go/millrace/flow"
)

func TestInitSum(t *testing.T) {
	ms, err := initSum("init runtime @0.2 ms, 0.07 ms clock, 0 bytes, 0 allocs\nother\ninit math @0.6 ms, 0.5 ms clock, 0 bytes, 0 allocs\n")
	if err != nil || math.Abs(ms-0.57) > 1e-9 {
		t.Errorf("%v, %v", ms, err)
	}
	for _, text := range []string{"", "init x @1 ms\n", "init x @1 ms, y ms clock\n"} {
		if _, err := initSum(text); err == nil {
			t.Errorf("%q is no trace", text)
		}
	}
}

func TestModulesAreCounted(t *testing.T) {
	got, err := linkedModules(plan{})
	if err != nil || got[0] < 2 || got[0] > 15 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestHeapIsWatched(t *testing.T) {
	got, err := heapDuring(plan{dir: t.TempDir()}, 1<<20)
	if err != nil || got[0] <= 0 {
		t.Errorf("%v, %v", got, err)
	}
	w := watchHeap()
	block := make([]byte, 32<<20)
	if most := w.stop(); most < float64(len(block)) {
		t.Errorf("a block of 32 MiB, and %v bytes of heap", most)
	}
	runtime.KeepAlive(block)
}

// TestKept holds the count that every chain must reach against the loop itself.
func TestKept(t *testing.T) {
	for _, n := range []int{0, 1, 4, 511, 512, 513, 5000} {
		to := &sum{}
		if err := loop(newChunked(ring, n), to, chunk); err != nil || int(to.n) != kept(n) {
			t.Errorf("%d of %d arrive, want %d: %v", to.n, n, kept(n), err)
		}
	}
}

// TestBothSidesAddUp compares what the sinks of the flow and of the loop have added up.
func TestBothSidesAddUp(t *testing.T) {
	const n = 5000
	byHand, through := &sum{}, &sum{}
	if err := loop(newChunked(ring, n), byHand, chunk); err != nil {
		t.Fatal(err)
	}
	p := flow.New("chain", flow.From(newChunked(ring, n)).Map(mapA).Filter(filterA).Map(mapB).To(through))
	if err := p.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if *byHand != *through || byHand.total == 0 {
		t.Errorf("the loop has %+v, the flow %+v", byHand, through)
	}
}

func TestScatteredSendsEachKeyOnce(t *testing.T) {
	const keys = 1000
	s, seen := newScattered(keys, keys), map[int64]int{}
	for {
		part, err := s.Read(context.Background(), chunk)
		if errors.Is(err, io.EOF) {
			break
		}
		for _, m := range part {
			seen[m.Value.Customer]++
		}
	}
	if len(seen) != keys {
		t.Errorf("%d keys, want %d", len(seen), keys)
	}
}
