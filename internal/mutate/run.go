package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// verdict is what a test run with one fault came to.
type verdict struct {
	caught bool
	// by is the test that failed.
	by   string
	took time.Duration
	// cpu is what it cost.
	cpu time.Duration
}

// test is the top-level test that failed, without its parts.
func (v verdict) test() string {
	pkg, rest, _ := strings.Cut(v.by, " ")
	rest, _, _ = strings.Cut(rest, " ")
	rest, _, _ = strings.Cut(rest, "/")

	return pkg + " " + rest
}

// trial says what of a package's tests to run, and for how long.
type trial struct {
	pkg string
	// number is that of the fault.
	number int
	// tests are the names of those to run; none means all.
	tests []string
	limit time.Duration
	// seconds bounds the time on processors, which does not depend on what else the machine
	// does; 0 means no bound.
	seconds int
}

const (
	// controlLimit bounds a run without a fault.
	controlLimit = 5 * time.Minute
	// A run with a fault may take patience times as long as one without, and leastLimit
	// in any case: what hangs is caught then.
	patience   = 4
	leastLimit = 20 * time.Second
	// costTests measure allocations. A copy of a function costs more, because the compiler
	// does not put it into its callers, and no fault of the list is about cost.
	costTests = "Alloc"
	// memoryLimit in KiB keeps a fault that grows without end from the machine.
	memoryLimit = 8 << 20
)

// control runs the tests of a package without a fault, and notes how long they take.
func (b *builds) control(ctx context.Context, pkg string) error {
	for _, number := range []int{0, unchanged} {
		v, err := b.test(ctx, trial{pkg: pkg, number: number, limit: controlLimit})
		if err != nil {
			return err
		}
		if v.caught {
			return fmt.Errorf("the tests of %s fail without a fault (control %d) in %s: nothing can be said of the faults", pkg, number, v.by)
		}
		b.took[pkg] = max(b.took[pkg], v.took)
	}

	return nil
}

// try runs the tests of a package with a fault.
func (b *builds) try(ctx context.Context, pkg string, number int) (verdict, error) {
	return b.test(ctx, trial{pkg: pkg, number: number, limit: max(leastLimit, patience*b.took[pkg])})
}

// test runs tests of a package until the first of them fails.
func (b *builds) test(ctx context.Context, t trial) (verdict, error) {
	const grace = 10 * time.Second
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, t.limit+grace)
	defer cancel()
	temporary, err := os.MkdirTemp(b.dir, "tmp")
	if err != nil {
		return verdict{}, fmt.Errorf("make a directory for the tests: %w", err)
	}
	defer func() { _ = os.RemoveAll(temporary) }() // inside of what close removes
	bounds, args := fmt.Sprintf("ulimit -v %d", memoryLimit), []string{"-test.failfast", "-test.timeout", t.limit.String()}
	if t.seconds > 0 {
		bounds += fmt.Sprintf("; ulimit -S -t %d; ulimit -H -t %d", t.seconds, t.seconds+2) // the first says where it is
	}
	if len(t.tests) > 0 {
		args = append(args, "-test.run", "^("+strings.Join(t.tests, "|")+")$")
	} else {
		args = append(args, "-test.skip", costTests)
	}
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-c", bounds + `; exec "$0" "$@"`, b.tests[t.pkg]}, args...)...) //nolint:gosec // a binary that this program has just built
	cmd.Dir = filepath.Join(b.root, t.pkg)
	cmd.Env = append(os.Environ(), activeEnvironment+"="+strconv.Itoa(t.number), "TMPDIR="+temporary)
	cmd.WaitDelay = time.Second
	out, into := io.Pipe()
	cmd.Stdout, cmd.Stderr = into, into
	if err := cmd.Start(); err != nil {
		return verdict{}, fmt.Errorf("start the tests of %s: %w", t.pkg, err)
	}
	by := make(chan string, 1)
	go func() { by <- firstFailure(out, cancel) }()
	err = cmd.Wait()
	_ = into.Close() // never fails
	v := verdict{caught: err != nil, by: t.pkg + " " + <-by, took: time.Since(start)}
	if cmd.ProcessState != nil {
		v.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited && ctx.Err() == nil {
		return v, fmt.Errorf("run the tests of %s: %w", t.pkg, err)
	}

	return v, nil
}

var (
	failLine  = regexp.MustCompile(`^\s*--- FAIL: (\S+)`)
	panicLine = regexp.MustCompile(`^(panic|fatal error|SIGXCPU): (.*)`)
	hungLine  = regexp.MustCompile(`^\t\t(Test\S+|Example\S+|Fuzz\S+) \(`)
	frameLine = regexp.MustCompile(`\.((?:Test|Example)\w+)\(`)
)

// firstFailure reads the output of tests and returns the name of the first that failed. It
// ends the run soon after, because what comes then tells nothing more.
func firstFailure(out io.Reader, stop func()) string {
	failed, died, hint := "", "", ""
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		line := lines.Text()
		if m := failLine.FindStringSubmatch(line); m != nil {
			if failed == "" {
				time.AfterFunc(300*time.Millisecond, stop) // the names of its parts follow
			}
			if failed == "" || strings.HasPrefix(m[1], failed+"/") {
				failed = m[1]
			}
		} else if m := panicLine.FindStringSubmatch(line); m != nil && died == "" {
			died = m[2]
		} else if m := hungLine.FindStringSubmatch(line); m != nil && hint == "" {
			hint = m[1]
		} else if m := frameLine.FindStringSubmatch(line); m != nil && hint == "" && died != "" {
			hint = m[1]
		}
	}
	_, _ = io.Copy(io.Discard, out) // after a line that is too long
	switch {
	case failed != "":
		return failed
	case died != "" && hint != "":
		return hint + " (" + short(died) + ")"
	case died != "":
		return "(" + short(died) + ")"
	default:
		return "(no test named)"
	}
}

func short(text string) string {
	const most = 60
	if len(text) > most {
		return text[:most] + "…"
	}

	return text
}
