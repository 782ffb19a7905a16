package killtest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	targetVariable = "KILLTEST_TARGET"
	dirVariable    = "KILLTEST_DIR"
	reportFile     = 3
)

// Main is TestMain: the tests, or the program where the parent has started one.
func Main(m *testing.M, targets ...Target) {
	name := os.Getenv(targetVariable)
	if name == "" {
		os.Exit(m.Run())
	}
	for _, target := range targets {
		if target.Name != name {
			continue
		}
		report := &Report{pipe: os.NewFile(reportFile, "report")}
		if err := target.Run(context.Background(), os.Getenv(dirVariable), report); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	fmt.Fprintln(os.Stderr, "killtest: no target", name)
	os.Exit(1)
}

// plan is when a program is to die: some time after a line of its report.
type plan struct {
	line  int // counted from 1; 0 lets it live
	delay time.Duration
}

// life is how one run of a program went.
type life struct {
	killed  bool
	lines   int // of its report
	lasted  time.Duration
	inHand  map[int]int
	places  []string
	settled int
}

// live runs a program, and kills it as planned.
func live(t testing.TB, target, dir string, p plan) life {
	t.Helper()
	reading, writing, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reading.Close() }()
	cmd := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // the test binary itself
	// The race detector would wait a second before the program ends.
	cmd.Env = append(os.Environ(), targetVariable+"="+target, dirVariable+"="+dir, "GORACE=atexit_sleep_ms=0")
	cmd.ExtraFiles = []*os.File{writing}
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := writing.Close(); err != nil {
		t.Fatal(err)
	}
	l, h := life{}, newHand()
	var began time.Time
	for lines := bufio.NewReader(reading); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break // the pipe is closed, because the program has ended
		}
		if l.lines++; l.lines == 1 {
			began = time.Now()
		}
		if err := h.note(line); err != nil {
			t.Error(err)
		}
		if l.lines == p.line {
			timer := time.AfterFunc(p.delay, func() { _ = cmd.Process.Kill() }) // it may have ended
			defer timer.Stop()
		}
	}
	l.lasted = time.Since(began)
	err = cmd.Wait()
	l.killed = died(cmd.ProcessState)
	if err != nil && !l.killed {
		t.Fatalf("the program ended by itself with %v:\n%s", err, output.String())
	}
	l.inHand, l.places, l.settled = h.messages(), h.places(), h.settled

	return l
}

func died(state *os.ProcessState) bool {
	status, ok := state.Sys().(syscall.WaitStatus)

	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}
