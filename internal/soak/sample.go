package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"time"
)

// sample is what the process takes at one moment.
type sample struct {
	// At is the seconds since the start.
	At float64 `json:"at"`
	// Heap is the bytes of live objects after a collection, Resident what the system
	// counts as the memory of the process, 0 where it does not say.
	Heap     float64 `json:"heap"`
	Resident float64 `json:"resident"`
	// Goroutines and Files are numbers; Files, the open descriptors, is 0 where the
	// system does not say.
	Goroutines float64 `json:"goroutines"`
	Files      float64 `json:"files"`
	// Disk is the bytes of the files of the soak.
	Disk float64 `json:"disk"`
	// Rate is the messages of each second since the sample before.
	Rate float64 `json:"rate"`
	// Messages and Rounds count what has passed up to now. Events, of the last sample,
	// counts the faults and restarts.
	Messages int64          `json:"messages"`
	Rounds   int64          `json:"rounds"`
	Events   map[string]int `json:"events,omitempty"`
}

// measure takes a sample of the process.
func measure(dir string) sample {
	runtime.GC()
	values := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(values)

	return sample{
		Heap: float64(values[0].Value.Uint64()), Resident: resident(),
		Goroutines: float64(runtime.NumGoroutine()), Files: openFiles(), Disk: used(dir),
	}
}

func resident() float64 {
	var pages [2]float64
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	if _, err := fmt.Sscan(string(data), &pages[0], &pages[1]); err != nil {
		return 0
	}

	return pages[1] * float64(os.Getpagesize())
}

func openFiles() float64 {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}

	return float64(len(entries) - 1) // the one that lists them
}

// used adds up the files below dir. Some vanish while it looks.
func used(dir string) float64 {
	var sum int64
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil
		}
		if info, err := entry.Info(); err == nil {
			sum += info.Size()
		}

		return nil
	})

	return float64(sum)
}

// takeSamples samples until ctx ends.
func (s *soak) takeSamples(ctx context.Context) {
	start, last, before := time.Now(), time.Now(), int64(0)
	ticker := time.NewTicker(s.every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		m := measure(s.dir)
		now := time.Now()
		m.At, m.Messages, m.Rounds, m.Events = now.Sub(start).Seconds(), s.dice.passed.Load(), s.rounds.Load(), s.dice.noted()
		m.Rate = float64(m.Messages-before) / now.Sub(last).Seconds()
		last, before = now, m.Messages
		if n := len(s.samples); n > 0 {
			s.samples[n-1].Events = nil // or the measuring itself would grow
		}
		s.samples = append(s.samples, m)
		if s.progress != nil {
			s.progress(m)
		}
	}
}

// settled waits until what was closed has gone: there may be no more goroutines and open
// files than before.
func settled(before sample, dir string, wait time.Duration) error {
	for deadline := time.Now().Add(wait); ; time.Sleep(10 * time.Millisecond) {
		now := measure(dir)
		if now.Goroutines <= before.Goroutines && now.Files <= before.Files {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after the end there are %.0f goroutines and %.0f open files, where %.0f and %.0f were before the start",
				now.Goroutines, now.Files, before.Goroutines, before.Files)
		}
	}
}

// String gives the sample as a line for people.
func (m sample) String() string {
	text := fmt.Sprintf("%s  rounds %d", clock(m.At), m.Rounds)
	for _, s := range append(watched[:len(watched):len(watched)], rate) {
		text += fmt.Sprintf("  %s %s", s.name, s.show(s.of(m)))
	}

	return text
}
