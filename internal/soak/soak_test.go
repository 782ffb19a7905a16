package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

// small is a soak of a moment.
func small(t *testing.T) config {
	t.Helper()

	return config{
		dir: t.TempDir(), length: time.Minute, most: 3, every: 20 * time.Millisecond, size: 600, side: 2,
		stopWithin: 200 * time.Millisecond, stopService: 300 * time.Millisecond, seed: 7,
	}
}

func TestSoak(t *testing.T) {
	samples, err := run(t.Context(), small(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(samples) == 0 {
		t.Fatal("there is no sample")
	}
	last := samples[len(samples)-1]
	if last.Messages == 0 || last.Events["runs"] < 3 || last.Events["caller: fails"] == 0 {
		t.Errorf("the last sample is %v with %v: want messages, runs and faults", last, last.Events)
	}
}

// What a soak must find is planted in the input: the record of the round knows no fault
// that explains it.
func TestPlantedLossIsFound(t *testing.T) {
	for name, plant := range map[string]struct{ file, from, to, want string }{
		"an order is missing":      {"orders.csv", "\n18,18,19,0\n", "\n", "orders: message 18 is lost"},
		"an order has another row": {"orders.csv", "\n18,18,19,0\n", "\n18,18,19,0\n7,7,8,0\n13,13,14,0\n", "orders: message 13 has had 1 effects, and may have none"},
		"a scan is missing":        {"scans.ndjson", `{"id":3,`, `{"id":4,`, "scans: message 3 is lost"},
		"a scan is changed":        {"scans.ndjson", "aaaa", "aaab", "scans: scan 0 came back changed"},
	} {
		t.Run(name, func(t *testing.T) {
			c := small(t)
			c.size = 200
			r := opened(t, c)
			edit(t, r.path(plant.file), plant.from, plant.to)
			if err := r.run(t.Context()); err == nil || !strings.Contains(err.Error(), plant.want) {
				t.Errorf("got %v, want an error with %q", err, plant.want)
			}
		})
	}
}

// opened is the first round of a soak whose service and rounds do not run.
func opened(t *testing.T, c config) *round {
	t.Helper()
	s, err := open(c)
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRound(s, 1)
	if err != nil {
		t.Fatal(err)
	}

	return r
}

func edit(t *testing.T, path, from, to string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(data), from, to, 1)
	if text == string(data) {
		t.Fatalf("%s has no %q", path, from)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestProblemEndsTheSoak(t *testing.T) {
	c := small(t)
	// Where the first round is to be there is something already.
	if err := os.Mkdir(c.dir+"/round-1", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "round 1: ") {
		t.Errorf("got %v, want the error of round 1", err)
	}
}

func TestWhatStaysIsFound(t *testing.T) {
	before := measure(t.TempDir())
	leak, end := context.WithCancel(t.Context())
	go func() { <-leak.Done() }()
	if err := settled(before, t.TempDir(), 0); err == nil {
		t.Error("a goroutine more than before is no problem")
	}
	end()
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if before.Files > 0 { // the system says how many there are
		if err := settled(before, t.TempDir(), 0); err == nil {
			t.Error("an open file more than before is no problem")
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := settled(before, t.TempDir(), 5*time.Second); err != nil {
		t.Error(err)
	}
}
