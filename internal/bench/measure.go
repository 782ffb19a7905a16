package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"
)

// contestant is one way to do the job of a row.
type contestant struct {
	name string
	// ready makes what the job for n messages needs. It is not measured.
	ready func(d *desk, n int) (job, error)
}

// job does the work and returns how many messages arrived at the sink, unless that is
// counted afterwards by desk.count.
type job func() (arrived int, err error)

// desk is what a contestant has for one round: a directory of its own, things to close
// after the round, and figures beside the time.
type desk struct {
	parent  string
	closers []func() error
	figures map[string]float64
	// count, where it is set, counts what arrived, after the measured time.
	count func() (int, error)
}

// dir makes a directory that is removed after the round.
func (d *desk) dir() (string, error) {
	dir, err := os.MkdirTemp(d.parent, "millrace-bench-")
	if err == nil {
		d.after(func() error { return os.RemoveAll(dir) })
	}

	return dir, err
}

// after has fn called after the round, the last one first.
func (d *desk) after(fn func() error) { d.closers = append(d.closers, fn) }

// note keeps a figure of the round.
func (d *desk) note(name string, value float64) {
	if d.figures == nil {
		d.figures = map[string]float64{}
	}
	d.figures[name] = value
}

func (d *desk) clear() error {
	var problems []error
	for i := len(d.closers) - 1; i >= 0; i-- {
		problems = append(problems, d.closers[i]())
	}

	return errors.Join(problems...)
}

// sample is what one round of a contestant took: per message, apart from Wall and N.
type sample struct {
	N       int
	Wall    time.Duration
	Nanos   float64
	CPU     float64 // nanoseconds, of user and system
	Bytes   float64
	Allocs  float64
	figures map[string]float64
}

// take runs one round. The count at the sink must be what the row wants. The job has a
// label, by which a profile is told from the preparation: -tagfocus job.
func take(c contestant, parent string, n, want int) (s sample, err error) {
	d := &desk{parent: parent}
	defer func() {
		if e := d.clear(); e != nil {
			err = errors.Join(err, fmt.Errorf("%s: cleaning up: %w", c.name, e))
		}
	}()
	work, err := c.ready(d, n)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w", c.name, err)
	}
	runtime.GC()
	before := spent()
	var arrived int
	pprof.Do(context.Background(), pprof.Labels("part", "job"), func(context.Context) { arrived, err = work() })
	used := spent().since(before)
	if err == nil && d.count != nil {
		arrived, err = d.count()
	}
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w", c.name, err)
	}
	if arrived != want {
		return sample{}, fmt.Errorf("%s: of %d messages %d arrived at the sink, want %d", c.name, n, arrived, want)
	}
	each := 1 / float64(n)

	return sample{
		N: n, Wall: used.wall, Nanos: float64(used.wall) * each, CPU: float64(used.cpu) * each,
		Bytes: float64(used.bytes) * each, Allocs: float64(used.allocs) * each, figures: d.figures,
	}, nil
}

// usage is what the process has spent since it began.
type usage struct {
	at            time.Time
	wall, cpu     time.Duration
	bytes, allocs uint64
}

func spent() usage {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r) // it fails for a wrong address alone

	return usage{at: time.Now(), cpu: processor(&r), bytes: m.TotalAlloc, allocs: m.Mallocs}
}

func processor(r *syscall.Rusage) time.Duration {
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func (u usage) since(before usage) usage {
	return usage{
		wall: u.at.Sub(before.at), cpu: u.cpu - before.cpu,
		bytes: u.bytes - before.bytes, allocs: u.allocs - before.allocs,
	}
}
