package clockjump_test

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace-go/millrace/internal/killtest"
	"github.com/millrace-go/millrace/internal/wallclock"
)

const (
	programVariable = "CLOCKJUMP_PROGRAM"
	dirVariable     = "CLOCKJUMP_DIR"
	clockVariable   = "CLOCKJUMP_CLOCK"
)

// jump is farther than any time of a program.
const jump = 7 * time.Hour

// programs are what a process can run: each begins to work in dir, and then does what it is
// told.
var programs = map[string]func(c *console, dir string) error{
	"lease": leaseProgram, "delay": delayProgram, "return": returnProgram,
	"claim": claimProgram, "idle": idleProgram, "interval": intervalProgram,
}

func TestMain(m *testing.M) {
	if clock := os.Getenv(clockVariable); clock != "" {
		by, err := time.ParseDuration(clock)
		if err != nil {
			panic(err)
		}
		wallclock.Jump(by)
	}
	run := programs[os.Getenv(programVariable)]
	if run == nil {
		killtest.Main(m, targets...)
	}
	c := &console{in: bufio.NewScanner(os.Stdin), orders: make(map[string]func(arguments []string) error)}
	c.on("jump", func(arguments []string) error {
		by, err := time.ParseDuration(arguments[0])
		wallclock.Jump(by)
		c.say("jumped")

		return err
	})
	c.on("rest", func(arguments []string) error {
		d, err := time.ParseDuration(arguments[0])
		time.Sleep(d)
		c.say("rested")

		return err
	})
	if err := run(c, os.Getenv(dirVariable)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// console is where a program gets its orders and says what it did.
type console struct {
	in     *bufio.Scanner
	orders map[string]func(arguments []string) error
	mu     sync.Mutex
}

func (c *console) on(order string, do func(arguments []string) error) { c.orders[order] = do }

func (c *console) say(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(os.Stdout, format+"\n", args...)
}

// serve follows orders until there are no more.
func (c *console) serve() error {
	for c.in.Scan() {
		words := strings.Fields(c.in.Text())
		if err := c.orders[words[0]](words[1:]); err != nil {
			return err
		}
	}

	return c.in.Err()
}

// begin runs work beside the orders, and joins what became of both.
func (c *console) begin(work func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- work(ctx) }()
	c.say("began")
	err := c.serve()
	cancel()

	return errors.Join(err, <-ended)
}

// process is a program that runs.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan string
	said  []string
}

// launch starts a program whose clock is ahead of this one's by clock.
func launch(t *testing.T, program, dir string, clock time.Duration) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), programVariable+"="+program, dirVariable+"="+dir,
		clockVariable+"="+clock.String(), "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := cmp.Or(err, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: cmd, stdin: in, lines: make(chan string, 1000)}
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.lines <- lines.Text()
		}
		close(p.lines)
	}()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	p.expect("began")

	return p
}

// in is the process in a part of the test.
func (p *process) in(t *testing.T) *process {
	p.t = t

	return p
}

func (p *process) tell(format string, args ...any) {
	p.t.Helper()
	if _, err := fmt.Fprintf(p.stdin, format+"\n", args...); err != nil {
		p.t.Fatal(err)
	}
}

// jump sets the clock of the program.
func (p *process) jump(by time.Duration) {
	p.t.Helper()
	p.tell("jump %v", by)
	p.expect("jumped")
}

// rest lets the program go on for a while.
func (p *process) rest(d time.Duration) {
	p.t.Helper()
	p.tell("rest %v", d)
	p.expect("rested")
}

// soon is a long time for a busy machine, and a short one beside a jump.
const soon = 30 * time.Second

// expect waits until the program has said the lines, in any order.
func (p *process) expect(lines ...string) {
	p.t.Helper()
	timer := time.NewTimer(soon)
	defer timer.Stop()
	for !containsAll(p.said, lines) {
		select {
		case line, open := <-p.lines:
			if !open {
				p.t.Fatalf("the program ended, and said %q; want %q", p.said, lines)
			}
			p.said = append(p.said, line)
		case <-timer.C:
			p.t.Fatalf("after %v the program has said %q; want %q", soon, p.said, lines)
		}
	}
	for _, line := range lines {
		p.said = slices.Delete(p.said, slices.Index(p.said, line), slices.Index(p.said, line)+1)
	}
}

func containsAll(said, lines []string) bool {
	rest := slices.Clone(said)
	for _, line := range lines {
		i := slices.Index(rest, line)
		if i < 0 {
			return false
		}
		rest = slices.Delete(rest, i, i+1)
	}

	return true
}

// quiet checks that the program has said nothing beside what was expected of it.
func (p *process) quiet() {
	p.t.Helper()
	for {
		select {
		case line, open := <-p.lines:
			if open {
				p.said = append(p.said, line)

				continue
			}
		default:
		}
		if len(p.said) > 0 {
			p.t.Errorf("the program said %q too soon, or too often", p.said)
		}

		return
	}
}

// kill ends the program as a crash does.
func (p *process) kill() {
	p.t.Helper()
	p.quiet()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Error(err)
	}
	_ = p.cmd.Wait() // it was killed
}

// end lets the program come to its end.
func (p *process) end() {
	p.t.Helper()
	if err := p.stdin.Close(); err != nil {
		p.t.Error(err)
	}
	for line := range p.lines {
		p.said = append(p.said, line)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Error(err)
	}
	p.quiet()
}
