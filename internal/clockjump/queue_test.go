package clockjump_test

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/internal/wallclock"
	"github.com/millrace-go/millrace/transform"
)

// lease is that of a queue; tests rest for two of them.
const lease = time.Second

func openQueue(dir string) (*queueconn.Queue[int], error) {
	return queueconn.Open(filepath.Join(dir, "queue"), transform.JSON[int](), queueconn.Config{Lease: lease, MaxAttempts: 1000})
}

func numbers(count int) []int {
	all := make([]int, count)
	for i := range all {
		all[i] = i + 1
	}

	return all
}

// leaseProgram has three messages in work in two pipelines on one queue, until it is told to
// finish them.
func leaseProgram(c *console, dir string) error {
	queue, err := openQueue(dir)
	if err != nil {
		return err
	}
	finish := make(chan struct{})
	work := func(_ context.Context, n int) (int, error) {
		c.say("took %d", n)
		<-finish
		c.say("did %d", n)

		return n, nil
	}
	c.on("finish", func([]string) error { close(finish); return nil })
	c.on("lost", func([]string) error { c.say("lost %d", queue.Lost()); return nil })
	for _, n := range numbers(3) {
		if err := queue.Write(context.Background(), []connector.Message[int]{connector.NewMessage(n, connector.Fields{ID: strconv.Itoa(n)})}); err != nil {
			return err
		}
	}
	reader := func(name string) *flow.Pipeline {
		return flow.New(name, flow.From(queue).Parallel(4, func(f flow.Flow[int]) flow.Flow[int] { return f.Map(work) }).
			To(memory.NewSink[int]()))
	}
	err = c.begin(func(ctx context.Context) error {
		return flow.Supervise(flow.SupervisorConfig{}, reader("one"), reader("two")).Run(ctx)
	})

	return errors.Join(err, queue.Close())
}

// TestLeaseOutlivesJumps: a message is with the reader that extends its lease, and with no
// other, although the clock says that the lease ended hours ago.
func TestLeaseOutlivesJumps(t *testing.T) {
	t.Parallel()
	p := launch(t, "lease", t.TempDir(), 0)
	p.expect("took 1", "took 2", "took 3")
	for _, by := range []time.Duration{jump, -2 * jump} {
		p.jump(by)
		p.rest(2 * lease)
	}
	p.tell("lost")
	p.expect("lost 0")
	p.quiet()
	p.tell("finish")
	p.expect("did 1", "did 2", "did 3")
	p.end()
}

// delayProgram delays messages as it is told, in a durable queue.
func delayProgram(c *console, dir string) error {
	queue, err := openQueue(dir)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	waits, feed := make(map[int]time.Duration), memory.NewFeed[int]()
	wait := func(n int) time.Duration {
		mu.Lock()
		defer mu.Unlock()

		return waits[n]
	}
	c.on("delay", func(arguments []string) error {
		n, err := strconv.Atoi(arguments[0])
		if err != nil {
			return err
		}
		mu.Lock()
		waits[n], err = time.ParseDuration(arguments[1])
		mu.Unlock()
		feed.Send(n)

		return err
	})
	end := flow.From(feed).Delay(says(c, queue), wait).ForEach(func(_ context.Context, n int) error {
		c.say("got %d", n)

		return nil
	})
	err = c.begin(flow.New("delay", end).Run)

	return errors.Join(err, queue.Close())
}

// saying is a queue that says what it has.
type saying struct {
	connector.Queue[int]

	c *console
}

func says(c *console, queue connector.Queue[int]) connector.Queue[int] { return saying{queue, c} }

func (s saying) Describe() connector.Capabilities { return connector.Describe(s.Queue) }

func (s saying) Write(ctx context.Context, messages []connector.Message[int]) error {
	err := s.Queue.Write(ctx, messages)
	if err == nil {
		for _, m := range messages {
			s.c.say("kept %d", m.Value)
		}
	}

	return err
}

// TestDelayedWhileTheClockJumps: a delay that began in a process takes its time there. A
// later process adds the whole delay at most.
func TestDelayedWhileTheClockJumps(t *testing.T) {
	const short, long = 4 * time.Second, 3 * time.Hour
	tests := []struct {
		name  string
		delay time.Duration
		// jumps are made while it runs.
		jumps []time.Duration
		// crash ends the process, and a later one runs on a clock that is ahead by clock.
		crash bool
		clock time.Duration
		late  bool // it does not come before the crash
	}{
		{name: "back", delay: short, jumps: []time.Duration{-jump}},
		{name: "back and forth", delay: short, jumps: []time.Duration{-jump, 2 * jump, -jump}},
		{name: "forward", delay: long, jumps: []time.Duration{jump}, crash: true, clock: jump, late: true},
		{name: "back, and a crash", delay: short, crash: true, clock: -jump},
		{name: "forth, back, and a crash", delay: short, jumps: []time.Duration{jump}, crash: true},
		{name: "forward, and a crash", delay: long, crash: true, clock: jump, late: true},
	}
	running := make([]*process, len(tests)) // they wait at the same time
	for i, test := range tests {
		dir := t.TempDir()
		p := launch(t, "delay", dir, 0)
		p.tell("delay 1 %v", test.delay)
		p.expect("kept 1")
		for _, by := range test.jumps {
			p.jump(by)
		}
		if test.late {
			p.rest(time.Second) // its time has not come by the clock of the process
		}
		if test.crash {
			p.kill()
			p = launch(t, "delay", dir, test.clock)
		}
		running[i] = p
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := running[i].in(t)
			p.expect("got 1")
			p.end()
		})
	}
}

// returnProgram returns each message once in each process, for four seconds.
func returnProgram(c *console, dir string) error {
	queue, err := openQueue(dir)
	if err != nil {
		return err
	}
	c.on("write", func([]string) error {
		return queue.Write(context.Background(), []connector.Message[int]{connector.NewMessage(1, connector.Fields{ID: "1"})})
	})
	failed := false
	end := flow.From(says(c, queue)).ForEach(func(context.Context, int) error {
		if !failed {
			failed = true
			c.say("failed")

			return connector.Throttled(errors.New("not now"), 4*time.Second)
		}
		c.say("done")

		return nil
	})
	c.on("depth", func([]string) error {
		for {
			depth, err := queue.Depth(context.Background())
			if err != nil || depth.Delayed == 1 {
				c.say("delayed")

				return err
			}
			time.Sleep(time.Millisecond)
		}
	})
	err = c.begin(flow.New("return", end).Run)

	return errors.Join(err, queue.Close())
}

// TestReturnedBeforeTheClockIsSetBack: a message that failed comes again after its delay,
// also in a process that begins hours before it was returned.
func TestReturnedBeforeTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := launch(t, "return", dir, jump)
	p.tell("write")
	p.expect("failed")
	p.tell("depth")
	p.expect("delayed")
	p.kill()
	begin := wallclock.Now()
	p = launch(t, "return", dir, 0)
	p.expect("failed") // the first time in this process
	if took := wallclock.Now().Sub(begin); took < time.Second {
		t.Errorf("it came again after %v, before its delay", took)
	}
	p.expect("done")
	p.end()
}
