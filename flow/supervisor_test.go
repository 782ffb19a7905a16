package flow_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

// failing is a pipeline whose source cannot be opened for so many times, and the times at
// which it was tried.
func failing(name string, times int, err error) (*flow.Pipeline, *[]time.Duration) {
	began, tried := time.Now(), new([]time.Duration)
	source := memory.NewFeed[int]()
	open := connector.Source[int](opening{source, func() error {
		*tried = append(*tried, time.Since(began))
		if len(*tried) <= times {
			return err
		}

		return nil
	}})

	return flow.New(name, flow.From(open).ForEach(ignore)), tried
}

// opening asks a function before it opens a source.
type opening struct {
	connector.Source[int]

	ask func() error
}

func (o opening) Open(ctx context.Context) (connector.Reader[int], error) {
	if err := o.ask(); err != nil {
		return nil, err
	}

	return o.Source.Open(ctx)
}

// supervised is a supervisor that runs beside the test.
type supervised struct {
	*flow.Supervisor

	cancel context.CancelFunc
	done   chan error
}

func supervise(t *testing.T, config flow.SupervisorConfig, pipelines ...*flow.Pipeline) *supervised {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &supervised{Supervisor: flow.Supervise(config, pipelines...), cancel: cancel, done: make(chan error, 1)}
	go func() { s.done <- s.Run(ctx) }()
	synctest.Wait()

	return s
}

func seconds(all ...int) []time.Duration {
	ds := make([]time.Duration, len(all))
	for i, s := range all {
		ds[i] = time.Duration(s) * time.Second
	}

	return ds
}

// TestRestart starts a pipeline that fails, as each of the policies says.
func TestSupervisorRestarts(t *testing.T) {
	exhausted := connector.Transient(&retry.ExhaustedError{Attempts: 5, Err: errBad})
	tests := []struct {
		name   string
		config flow.SupervisorConfig
		err    error
		fails  int
		want   []time.Duration
		ends   bool
	}{
		{"by default after 1 s that double up to 1 minute", flow.SupervisorConfig{}, errBad, 8, seconds(0, 1, 3, 7, 15, 31, 63, 123, 183), false},
		{"where it may have happened", flow.SupervisorConfig{}, connector.Ambiguous(errBad), 1, seconds(0, 1), false},
		{"where a retry inside gave up", flow.SupervisorConfig{}, exhausted, 1, seconds(0, 1), false},
		{"as long as a throttled error asks", flow.SupervisorConfig{}, connector.Throttled(errBad, 20*time.Second), 1, seconds(0, 20), false},
		{"not after a permanent error", flow.SupervisorConfig{}, connector.Permanent(errBad), 1, seconds(0), true},
		{"Initial and Max", flow.SupervisorConfig{Restart: retry.Policy{Initial: 10 * time.Second, Max: 15 * time.Second}}, errBad, 3, seconds(0, 10, 25, 40), false},
		{"Attempts", flow.SupervisorConfig{Restart: retry.Policy{Attempts: 3, Initial: time.Second, NoJitter: true}}, errBad, 9, seconds(0, 1, 3), true},
		{"Multiplier", flow.SupervisorConfig{Restart: retry.Policy{Multiplier: 10}}, errBad, 3, seconds(0, 1, 11, 71), false},
		{"no bound of time by default", flow.SupervisorConfig{Restart: retry.Policy{Attempts: 4, Initial: time.Minute, Max: time.Hour, NoJitter: true}}, errBad, 3, seconds(0, 60, 180, 420), false},
		{"MaxElapsed", flow.SupervisorConfig{Restart: retry.Policy{MaxElapsed: 10 * time.Second}}, errBad, 9, seconds(0, 1, 3, 7), true},
		{"MaxRetryAfter", flow.SupervisorConfig{Restart: retry.Policy{MaxRetryAfter: 5 * time.Second}}, connector.Throttled(errBad, time.Hour), 1, seconds(0, 5), false},
		{"Classify", flow.SupervisorConfig{Restart: retry.Policy{Classify: func(error) connector.Class { return connector.ClassPermanent }}}, errBad, 1, seconds(0), true},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			p, tried := failing("p", test.fails, test.err)
			s := supervise(t, test.config, p)
			time.Sleep(time.Hour)
			synctest.Wait()
			if !slices.Equal(*tried, test.want) {
				t.Errorf("started at %v, want %v", *tried, test.want)
			}
			h := s.Health()[0]
			if want := len(test.want) - 1; h.Flow != "p" || h.Restarts != want {
				t.Errorf("health %+v, want %d restarts", h, want)
			}
			if want := map[bool]flow.State{true: flow.Failed, false: flow.Running}[test.ends]; h.State != want {
				t.Errorf("state %v, want %v", h.State, want)
			}
			s.cancel()
			if err := <-s.done; errors.Is(err, errBad) != test.ends {
				t.Errorf("Run returned %v", err)
			}
		})
	}
}

// TestHealthyAfter: a pipeline that ran long enough begins anew with the first delay.
func TestHealthyAfter(t *testing.T) {
	for _, test := range []struct {
		ran  time.Duration
		want time.Duration
	}{{time.Minute, 2 * time.Second}, {time.Minute + 1, time.Second}} {
		bubble(t, test.ran.String(), func(t *testing.T) {
			source := memory.NewFeed[int]()
			source.ScriptRead(memory.Fail(errBad).Delay(time.Second), memory.Fail(errBad).Delay(test.ran))
			s := supervise(t, flow.SupervisorConfig{}, flow.New("p", flow.From(source).ForEach(ignore)))
			time.Sleep(2*time.Second + test.ran)
			synctest.Wait()
			waits := s.Health()[0]
			if waits.State != flow.Waiting || waits.Restarts != 1 || !waits.Since.Equal(time.Now()) || !strings.Contains(waits.Reason, "bad value") {
				t.Errorf("health %+v", waits)
			}
			time.Sleep(test.want - 1)
			if got := s.Health()[0]; got != waits {
				t.Errorf("health %+v, want %+v for %v", got, waits, test.want)
			}
			time.Sleep(1)
			synctest.Wait()
			if got := s.Health()[0]; got.State != flow.Running || got.Restarts != 2 || !got.Since.Equal(time.Now()) || got.Reason != "" {
				t.Errorf("health %+v", got)
			}
			s.cancel()
			if err := <-s.done; err != nil {
				t.Error(err)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewFeed[int]()
		source.ScriptRead(memory.Fail(errBad).Delay(2 * time.Second).Times(5))
		s := supervise(t, flow.SupervisorConfig{HealthyAfter: time.Second}, flow.New("p", flow.From(source).ForEach(ignore)))
		time.Sleep(15 * time.Second) // five times 2 s and 1 s
		synctest.Wait()
		if got := s.Health()[0]; got.State != flow.Running || got.Restarts != 5 {
			t.Errorf("health %+v", got)
		}
		s.cancel()
		<-s.done
	})
}

// TestSupervisorStopsInOrder: those that feed others first, each to its end.
func TestSupervisorStopsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		pipeline := func(name string, took time.Duration) *flow.Pipeline {
			return flow.New(name, flow.From(memory.NewFeed(1)).ForEach(func(ctx context.Context, _ int) error {
				<-release
				time.Sleep(took)

				return ctx.Err()
			}))
		}
		a, b, c := pipeline("a", 3*time.Second), pipeline("b", 10*time.Second), pipeline("c", time.Second)
		s := supervise(t, flow.SupervisorConfig{}, a, b, c)
		s.cancel()
		synctest.Wait()
		states := []flow.State{a.Health().State, b.Health().State, c.Health().State}
		if want := []flow.State{flow.Draining, flow.Running, flow.Running}; !slices.Equal(states, want) {
			t.Errorf("states %v, want %v", states, want)
		}
		close(release)
		time.Sleep(5 * time.Second)
		states = []flow.State{a.Health().State, b.Health().State, c.Health().State}
		if want := []flow.State{flow.Stopped, flow.Draining, flow.Running}; !slices.Equal(states, want) {
			t.Errorf("states %v, want %v", states, want)
		}
		if err := <-s.done; err != nil {
			t.Error(err)
		}
	})
}

// TestSupervisorStopWhileWaiting: no restart follows a stop.
func TestSupervisorStopWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, tried := failing("p", 99, errBad)
		s := supervise(t, flow.SupervisorConfig{}, p)
		if err := s.CheckHealth(t.Context()); err == nil || !strings.Contains(err.Error(), "flow p is waiting since ") ||
			!strings.Contains(err.Error(), "bad value") {
			t.Errorf("CheckHealth: %v", err)
		}
		s.cancel()
		if err := <-s.done; err != nil {
			t.Error(err)
		}
		if len(*tried) != 1 || s.Health()[0].Restarts != 0 || s.Health()[0].State != flow.Failed {
			t.Errorf("tried at %v, health %+v", *tried, s.Health())
		}
	})
}

// TestSupervisorKeepsTheOthers: one pipeline that is given up does not end the rest, and
// its error is returned.
func TestSupervisorKeepsTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad, _ := failing("bad", 9, connector.Permanent(errBad))
		source, sink := memory.NewFeed(1, 2), memory.NewSink[int]()
		good := flow.New("good", flow.From(source).To(sink))
		s := supervise(t, flow.SupervisorConfig{}, bad, good)
		if err := s.CheckHealth(t.Context()); err == nil || !strings.Contains(err.Error(), "flow bad is failed") || strings.Contains(err.Error(), "good") {
			t.Errorf("CheckHealth: %v", err)
		}
		source.Send(3)
		source.Finish()
		if err := <-s.done; !errors.Is(err, errBad) {
			t.Errorf("error %v", err)
		}
		if len(sink.Values()) != 3 {
			t.Errorf("the good pipeline delivered %v", sink.Values())
		}
		if h := s.Health(); h[0].State != flow.Failed || h[1].State != flow.Stopped || h[1].Flow != "good" {
			t.Errorf("health %+v", h)
		}
	})
}

// TestSupervisorGivesUpAfterAHang: messages are still with a function, so a second run
// would work on them twice.
func TestSupervisorGivesUpAfterAHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, hang := memory.NewFeed(1, 2), make(chan struct{})
		source.ScriptRead(memory.Pass(), memory.Fail(errBad))
		p := flow.New("hangs", flow.From(source).Buffer(9, flow.Block).ForEach(func(context.Context, int) error {
			<-hang

			return nil
		}))
		s := supervise(t, flow.SupervisorConfig{}, p)
		err := <-s.done
		if _, ok := errors.AsType[*flow.StoppedError](err); !ok || source.Opens() != 1 {
			t.Errorf("error %v, %d opens", err, source.Opens())
		}
		close(hang)
	})
}

// TestSupervisorDefinitions: everything that is wrong is returned before anything runs.
func TestSupervisorDefinitions(t *testing.T) {
	source := memory.NewSource(1)
	good := flow.New("good", flow.From(source).ForEach(ignore))
	bad := flow.New("bad", flow.From(source).ForEach(nil))
	s := flow.Supervise(flow.SupervisorConfig{Restart: retry.Policy{Initial: -1}, HealthyAfter: -1}, good, nil, bad, good)
	err := s.Run(t.Context())
	for _, want := range []string{
		"Initial is -1ns", "HealthyAfter is negative", "pipeline 2 of the supervisor is nil",
		"flow bad: the definition has 1 problem", "pipeline good is twice",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
	if source.Opens() > 0 {
		t.Error("a pipeline ran")
	}
	if h := s.Health(); len(h) != 3 || s.CheckHealth(t.Context()) != nil {
		t.Errorf("health %+v", h)
	}
	if err := flow.Supervise(flow.SupervisorConfig{}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "no pipeline") {
		t.Errorf("a supervisor without pipelines: %v", err)
	}
}

func TestSupervisorLogger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		p, _ := failing("p", 9, errBad)
		s := supervise(t, flow.SupervisorConfig{Logger: zap.New(core), Restart: retry.Policy{Attempts: 2}}, p)
		<-s.done
		restarts, ends := logs.FilterMessageSnippet("starting it again").All(), logs.FilterMessageSnippet("given up").All()
		if len(restarts) != 1 || len(ends) != 1 || restarts[0].ContextMap()["flow"] != "p" || ends[0].ContextMap()["flow"] != "p" {
			t.Errorf("logged %+v", logs.All())
		}
	})
}
