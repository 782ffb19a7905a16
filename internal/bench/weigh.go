package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/millrace-go/millrace/internal/weight"
)

const root = "github.com/millrace-go/millrace"

func weights() family {
	return family{
		name: "weight", title: "Weight of an import",
		intro: "A program that imports flow and connector/memory and runs a flow through three message types, built with -s -w. " +
			"The compile cost is the processor time of go build with 25 message types less that with 9, for each type: " +
			"compiler and linker, with everything else in the build cache.",
		gauges: []gauge{
			{name: "modules linked", unit: "modules", limit: 15, read: linkedModules},
			{name: "size of the program, stripped", unit: "MB", limit: 13, read: sizeOfProgram},
			{name: "package initialisation", note: "the sum that GODEBUG=inittrace=1 prints", unit: "ms", limit: 2, read: initTime},
			{name: "compile cost of a message type", unit: "ms of CPU", limit: 25, read: compileCost},
		},
	}
}

func linkedModules(plan) ([]float64, error) {
	out, err := command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", root+"/flow", root+"/connector/memory").Output()
	if err != nil {
		return nil, err
	}
	modules := strings.Fields(string(out))
	slices.Sort(modules)

	return []float64{float64(len(slices.Compact(modules)))}, nil
}

// command runs at the root of the module that is measured.
func command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...) //nolint:gosec // the go command, with arguments of this program
	cmd.Stderr = os.Stderr
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", root).Output()
	if err == nil {
		cmd.Dir = strings.TrimSpace(string(dir))
	}

	return cmd
}

// built compiles a program with so many message types and returns its path and what the
// build took of the processor.
func built(d *desk, types int) (program string, cpu time.Duration, err error) {
	dir, err := d.dir()
	if err != nil {
		return "", 0, err
	}
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(source, []byte(weight.Program(types)), 0o600); err != nil {
		return "", 0, err
	}
	cmd := command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, source)
	if err := cmd.Run(); err != nil {
		return "", 0, err
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return "", 0, errors.New("the system does not tell the processor time of a command")
	}

	return program, processor(usage), nil
}

// withProgram builds a program, hands it over, and removes it.
func withProgram(p plan, types int, use func(path string, cpu time.Duration) error) (err error) {
	d := &desk{parent: p.dir}
	defer func() { err = errors.Join(err, d.clear()) }()
	path, cpu, err := built(d, types)
	if err != nil {
		return err
	}

	return use(path, cpu)
}

func sizeOfProgram(p plan) (sizes []float64, err error) {
	err = withProgram(p, 3, func(path string, _ time.Duration) error {
		info, err := os.Stat(path)
		if err == nil {
			sizes = append(sizes, float64(info.Size())/1e6)
		}

		return err
	})

	return sizes, err
}

// initTime starts the program several times for each round: a start takes next to no time.
func initTime(p plan) (times []float64, err error) {
	err = withProgram(p, 3, func(path string, _ time.Duration) error {
		for range 5 * p.rounds {
			cmd := exec.Command(path)
			cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
			out, err := cmd.CombinedOutput()
			if err != nil {
				return err
			}
			ms, err := initSum(string(out))
			if err != nil {
				return err
			}
			times = append(times, ms)
		}

		return nil
	})

	return times, err
}

// initSum adds up lines like "init math @0.6 ms, 0.16 ms clock, 0 bytes, 0 allocs".
func initSum(text string) (ms float64, err error) {
	found := false
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "init ") {
			continue
		}
		_, after, _ := strings.Cut(line, ", ")
		clock, _, ok := strings.Cut(after, " ms clock")
		if !ok {
			return 0, fmt.Errorf("inittrace says %q", line)
		}
		v, err := strconv.ParseFloat(clock, 64)
		if err != nil {
			return 0, err
		}
		ms += v
		found = true
	}
	if !found {
		return 0, errors.New("inittrace printed nothing")
	}

	return ms, nil
}

// A program with one type has no Filter and no Map; reading what the compiler needs for the
// first of them costs once, whatever the number of types.
const fewTypes, manyTypes = 9, 25

// compileCost builds, after a first time that fills the cache, two programs in turn.
func compileCost(p plan) ([]float64, error) {
	var cpu [2]time.Duration
	build := func() error {
		for i, types := range []int{fewTypes, manyTypes} {
			if err := withProgram(p, types, func(_ string, took time.Duration) error {
				cpu[i] = took

				return nil
			}); err != nil {
				return err
			}
		}

		return nil
	}
	if err := build(); err != nil {
		return nil, err
	}
	var costs []float64
	for range min(p.rounds, 5) {
		if err := build(); err != nil {
			return nil, err
		}
		costs = append(costs, float64(cpu[1]-cpu[0])/1e6/(manyTypes-fewTypes))
	}

	return costs, nil
}
