package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// conditions are those under which a run was made.
type conditions struct {
	Command, System, Go, Commit string
	// Load is the load average of the last minute, where the system tells it.
	Load    string
	CPUs    int
	Started time.Time
	Rounds  int
}

func conditionsNow(p plan) conditions {
	return conditions{
		Command: strings.Join(append([]string{"go run ."}, os.Args[1:]...), " "), System: processorName(),
		Go: runtime.Version(), Commit: commit(), Load: load(), CPUs: runtime.NumCPU(), Started: time.Now().UTC(), Rounds: p.rounds,
	}
}

// processorName is what Linux calls the processor, or the architecture elsewhere.
func processorName() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				return runtime.GOOS + "/" + runtime.GOARCH + ", " + strings.Trim(name, "\t :\n")
			}
		}
	}

	return runtime.GOOS + "/" + runtime.GOARCH
}

func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(text), " ")

	return first
}

// commit names the revision, with a mark where the files differ from it.
func commit() string {
	revision, err := exec.Command("git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	name := strings.TrimSpace(string(revision))
	if changed, err := exec.Command("git", "status", "--porcelain").Output(); err != nil || len(changed) > 0 {
		name += " with changes"
	}

	return name
}

// report is everything that a run has measured.
type report struct {
	conditions conditions
	families   []found
}

// missed is an error that lists the floors that do not hold, or nil.
func (r report) missed() error {
	var problems []error
	for _, f := range r.families {
		for _, v := range f.verdicts() {
			if !v.holds {
				problems = append(problems, fmt.Errorf("missed: %s/%s: %s: measured %s", f.family.name, v.row, v.text, v.measured))
			}
		}
	}

	return errors.Join(problems...)
}

func (f found) verdicts() []verdict {
	var list []verdict
	for _, r := range f.results {
		list = append(list, r.verdicts()...)
	}
	for _, r := range f.readings {
		list = append(list, r.verdicts()...)
	}

	return list
}

// write puts REPORT.md and the charts into the directory.
func (r report) write(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	problems := []error{put(dir, "REPORT.md", r.page())}
	for _, f := range r.families {
		if text := f.chart(); text != "" {
			problems = append(problems, put(dir, f.family.name+".svg", text))
		}
	}

	return errors.Join(problems...)
}

func put(dir, name, text string) error {
	return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644) //nolint:gosec // a report is to be read
}
