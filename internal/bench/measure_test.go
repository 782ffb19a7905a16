package main

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// does is a contestant whose job takes no time, and delivers what it is told to.
func does(name string, deliver func(n int) (int, error)) contestant {
	return contestant{name, func(_ *desk, n int) (job, error) {
		return func() (int, error) { return deliver(n) }, nil
	}}
}

func all(n int) (int, error) { return n, nil }

func TestTakeCountsAtTheSink(t *testing.T) {
	_, err := take(does("forgetful", func(n int) (int, error) { return n - 1, nil }), t.TempDir(), 10, 10)
	if err == nil || !strings.Contains(err.Error(), "forgetful: of 10 messages 9 arrived at the sink, want 10") {
		t.Errorf("one message is missing: %v", err)
	}
	if _, err := take(does("whole", all), t.TempDir(), 10, 10); err != nil {
		t.Error(err)
	}
}

func TestTakeReportsWhatFails(t *testing.T) {
	down := errors.New("down")
	for name, c := range map[string]contestant{
		"the job":      does("x", func(int) (int, error) { return 0, down }),
		"preparing it": {"x", func(*desk, int) (job, error) { return nil, down }},
		"counting": {"x", func(d *desk, _ int) (job, error) {
			d.count = func() (int, error) { return 0, down }
			return noWork, nil
		}},
		"cleaning up":   {"x", func(d *desk, _ int) (job, error) { d.after(func() error { return down }); return noWork, nil }},
		"after a start": {"x", func(d *desk, _ int) (job, error) { d.after(func() error { return nil }); return nil, down }},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := take(c, t.TempDir(), 1, 1); !errors.Is(err, down) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func noWork() (int, error) { return 1, nil }

func TestTakeCleansUpBackwards(t *testing.T) {
	var order []string
	var dir string
	_, err := take(contestant{"x", func(d *desk, _ int) (_ job, err error) {
		dir, err = d.dir()
		d.after(func() error { order = append(order, "first"); return nil })
		d.after(func() error { order = append(order, "second"); return nil })

		return noWork, err
	}}, t.TempDir(), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(order, []string{"second", "first"}) {
		t.Errorf("closed in the order %v", order)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory is still there: %v", err)
	}
}

func TestTakeCountsAllocations(t *testing.T) {
	keep := make([]*[64]byte, 1000)
	s, err := take(does("x", func(n int) (int, error) {
		for i := range n {
			keep[i] = new([64]byte)
		}

		return n, nil
	}), t.TempDir(), len(keep), len(keep))
	if err != nil || s.Allocs < 1 || s.Allocs > 1.5 || s.Bytes < 64 || s.Bytes > 96 {
		t.Errorf("%v allocations and %v bytes each, %v", s.Allocs, s.Bytes, err)
	}
}

// TestRunTakesTurns sees in which order the contestants of a row work.
func TestRunTakesTurns(t *testing.T) {
	var order []string
	note := func(name string) contestant {
		return does(name, func(n int) (int, error) { order = append(order, name); return n, nil })
	}
	r := row{ours: note("ours"), baseline: note("base"), others: []contestant{note("third")}}
	res, err := plan{rounds: 2, few: 8, dir: t.TempDir()}.run(r)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"ours", "base", "third", "base", "base", "third", "base", "ours"}
	if !slices.Equal(order, want) {
		t.Errorf("worked in the order %v, want %v", order, want)
	}
	if len(res.samples[control]) != 2 || len(res.samples["base"]) != 2 {
		t.Errorf("samples: %v", res.samples)
	}
	if got := res.names(); !slices.Equal(got, []string{"ours", "base", "third", control}) {
		t.Errorf("names: %v", got)
	}
}

func TestRounds(t *testing.T) {
	res, err := plan{rounds: 3, few: 8, dir: t.TempDir()}.run(row{ours: does("ours", all), again: 2})
	if err != nil || len(res.samples["ours"]) != 6 {
		t.Errorf("%d samples, %v", len(res.samples["ours"]), err)
	}
}

func TestSizesOfRounds(t *testing.T) {
	for name, c := range map[string]struct {
		row     row
		n, want int
	}{
		"as it is":           {row{}, 77, 77},
		"a multiple":         {row{step: 10}, 77, 70},
		"at least one step":  {row{step: 100}, 77, 100},
		"at least one":       {row{}, 0, 1},
		"not over the bound": {row{most: 50}, 77, 50},
		"both":               {row{most: 50, step: 8}, 77, 48},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.row.round(c.n); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

// TestCalibrate works on a contestant that takes 20 µs a message at least.
func TestCalibrate(t *testing.T) {
	slow := does("slow", func(n int) (int, error) {
		for begin := time.Now(); time.Since(begin) < time.Duration(n)*20*time.Microsecond; {
			continue
		}

		return n, nil
	})
	p := plan{length: 20 * time.Millisecond, dir: t.TempDir()}
	if n, err := p.calibrate(row{}, slow); err != nil || n < 50 || n > 1000 {
		t.Errorf("%d messages for a round, %v; want 1000 at most, and not many fewer", n, err)
	}
	if n, err := p.calibrate(row{fixed: 5}, slow); err != nil || n != 5 {
		t.Errorf("%d messages for a row of 5, %v", n, err)
	}
	if n, err := p.calibrate(row{most: 64}, slow); err != nil || n > 64 {
		t.Errorf("%d messages for a row of 64 at most, %v", n, err)
	}
}

func TestGrow(t *testing.T) {
	for took, want := range map[time.Duration]int{0: 16, time.Microsecond: 16, 10 * time.Millisecond: 4, time.Second: 2} {
		if got := grow(80*time.Millisecond, took); got != want {
			t.Errorf("after %v it grows by %d, want %d", took, got, want)
		}
	}
}
