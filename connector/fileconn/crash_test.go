package fileconn_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/millrace-go/millrace/connector/fileconn"
)

// crashPath and crashMode tell the test binary to be the process that is killed.
const (
	crashPath = "FILECONN_CRASH_PATH"
	crashMode = "FILECONN_CRASH_MODE"
)

func crashConfig(path string, mode fileconn.Mode) fileconn.SinkConfig {
	config := fileconn.SinkConfig{Path: path, Mode: mode}
	if mode == fileconn.Parts {
		config.PartRecords = 50
	}

	return config
}

// TestCrashWriter is the process that is killed: it writes until then, and says after
// each Write how many lines were accepted.
func TestCrashWriter(t *testing.T) {
	path := os.Getenv(crashPath)
	if path == "" {
		t.Skip("runs as the child of TestKilledProcess alone")
	}
	mode, err := strconv.Atoi(os.Getenv(crashMode))
	if err != nil {
		t.Fatal(err)
	}
	sink := lineSink(t, crashConfig(path, fileconn.Mode(mode)))
	const most, batch = 1_000_000, 7
	for n := 0; n < most; n += batch {
		var lines []string
		for i := range batch {
			lines = append(lines, fmt.Sprintf("line %06d", n+i))
		}
		write(t, sink, lines...)
		if _, err := fmt.Fprintln(os.Stderr, n+batch); err != nil {
			t.Fatal(err)
		}
	}
}

// A process is killed while it writes. Every line that was accepted is there after the
// next sink has started, in order, and nothing else but lines that were being written.
func TestKilledProcess(t *testing.T) {
	for _, mode := range []fileconn.Mode{fileconn.WholeFile, fileconn.Parts, fileconn.Append} {
		for _, after := range []int{1, 10, 33} {
			t.Run(fmt.Sprint(mode, " after ", after), func(t *testing.T) {
				path := target(t)
				accepted := killedAfter(t, path, mode, after)
				sink := lineSink(t, crashConfig(path, mode))
				write(t, sink, "next")
				closed(t, sink)
				got := contents(t, path)
				if len(got) < accepted+1 || got[len(got)-1] != "next" {
					t.Fatalf("%d lines, of %d accepted", len(got), accepted)
				}
				for i, line := range got[:len(got)-1] {
					if line != fmt.Sprintf("line %06d", i) {
						t.Fatalf("line %d is %q", i, line)
					}
				}
			})
		}
	}
}

// killedAfter runs the writer and kills it after some Writes. It returns how many lines
// the writer said were accepted.
func killedAfter(t *testing.T, path string, mode fileconn.Mode, writes int) int {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestCrashWriter$")
	child.Env = append(os.Environ(), crashPath+"="+path, fmt.Sprintf("%s=%d", crashMode, mode))
	said, err := child.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	accepted := 0
	lines := bufio.NewScanner(said)
	for range writes {
		if !lines.Scan() {
			t.Fatal("the writer said nothing")
		}
		if accepted, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatal(err)
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // what it said before the kill took hold
		if accepted, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatal(err)
		}
	}
	if err := child.Wait(); err == nil {
		t.Fatal("the writer was not killed")
	}

	return accepted
}
