package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/millrace-go/millrace/connector"
)

// Pipeline is a flow with its ends closed, ready to run. Its methods may be called
// concurrently, but only one Run goes on at a time.
type Pipeline struct {
	name     string
	ends     []End
	config   Config
	plan     *plan
	stations map[*node]*station
	source   tally
	derived  tally

	mu      sync.Mutex
	current *run
	status  Health
}

// Config holds what an operator may want to set. The zero value of a field means its
// default.
type Config struct {
	// MaxInFlight bounds the messages of each source that were handed out and not yet
	// settled. Default 1,024. Room for several batches lets a stage collect the next one
	// while one is written; room for one has reading and writing take turns.
	MaxInFlight int
	// Chunk bounds the messages that one Read may return. The pipeline starts with 32 and
	// adapts, so that a chunk takes a few milliseconds. Default 256; what is above
	// MaxInFlight has no effect.
	Chunk int
	// MaxKeys bounds the keys that one Fold or Aggregate keeps at once, so that its state
	// cannot grow without end: a message of one key more fails. Default 1,000,000.
	MaxKeys int
	// Drain is how long a stop waits for what is in flight before the context of user
	// functions ends. Default 30 s.
	Drain time.Duration
	// Grace is how long user functions may take to return after that. Default 5 s.
	Grace time.Duration
	// Recorder, where set, records the paths of some messages.
	Recorder *Recorder
	// Logger receives events, never single messages. Default none.
	Logger *zap.Logger
}

func (c Config) withDefaults() Config {
	c.MaxInFlight = orDefault(c.MaxInFlight, 1024)
	c.Chunk = orDefault(c.Chunk, 256)
	c.MaxKeys = orDefault(c.MaxKeys, 1_000_000)
	c.Drain = orDefault(c.Drain, 30*time.Second)
	c.Grace = orDefault(c.Grace, 5*time.Second)
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}

	return c
}

func orDefault[T comparable](value, def T) T {
	var zero T
	if value == zero {
		return def
	}

	return value
}

func (c Config) problems(at *place) []Problem {
	var problems []Problem
	for _, f := range []struct {
		name string
		bad  bool
	}{
		{"MaxInFlight", c.MaxInFlight < 0},
		{"Chunk", c.Chunk < 0},
		{"MaxKeys", c.MaxKeys < 0},
		{"Drain", c.Drain < 0},
		{"Grace", c.Grace < 0},
	} {
		if f.bad {
			problems = append(problems, Problem{Stage: "pipeline", At: at.String(), Text: "Config." + f.name + " is negative"})
		}
	}

	return problems
}

// New makes a pipeline of every stage that the ends are connected to. Two ends on one
// blueprint are a broadcast. What is wrong with the definition is found here and
// returned, all of it at once, by Check and by Run as a *[DefinitionError].
func New(name string, ends ...End) *Pipeline {
	return newPipeline(name, ends, Config{})
}

// With returns a pipeline of the same definition with another Config and a ledger of
// its own.
func (p *Pipeline) With(config Config) *Pipeline {
	return newPipeline(p.name, p.ends, config)
}

func newPipeline(name string, ends []End, config Config) *Pipeline {
	at := caller()
	problems := config.problems(at)
	p := &Pipeline{name: name, ends: ends, config: config.withDefaults(), stations: make(map[*node]*station)}
	p.plan = newPlan(ends, p.config)
	if name == "" {
		problems = append(problems, Problem{Stage: "pipeline", At: at.String(), Text: "the pipeline has no name"})
	}
	if len(ends) == 0 {
		problems = append(problems, Problem{
			Stage: "pipeline", At: at.String(), Text: "it has no end: close a flow with To, ForEach or Route and pass it to New",
		})
	}
	for i, e := range ends {
		text := ""
		if e.n == nil {
			text = fmt.Sprintf("end %d is a zero End", i+1)
		} else if first := slices.IndexFunc(ends, e.same); first < i {
			text = fmt.Sprintf("end %d is end %d once more: pass it once", i+1, first+1)
		}
		if text != "" {
			problems = append(problems, Problem{Stage: "pipeline", At: at.String(), Text: text})
		}
	}
	p.plan.problems = append(problems, p.plan.problems...)
	for _, n := range p.plan.nodes {
		p.stations[n] = newStation(n, p.plan.names[n])
	}
	p.status = Health{State: Stopped, Since: time.Now()}

	return p
}

// Name returns the pipeline's name.
func (p *Pipeline) Name() string { return p.name }

// Config returns what the pipeline was given in With, and the defaults of the rest.
func (p *Pipeline) Config() Config { return p.config }

// Check returns a *[DefinitionError] when the definition is wrong, else nil.
func (p *Pipeline) Check() error {
	if len(p.plan.problems) > 0 {
		return &DefinitionError{Flow: p.name, Problems: p.plan.problems}
	}

	return nil
}

// ErrRunning says that the pipeline is running already.
var ErrRunning = errors.New("flow: the pipeline is running already")

// Run reads the sources until all of them have ended and every message has its outcome.
// When ctx ends, Run takes no more in, finishes what is in flight within Config.Drain
// and returns nil if nothing was left, else a *[StoppedError]. Any other error is why
// the pipeline stopped by itself. A pipeline may be run again after Run has returned.
func (p *Pipeline) Run(ctx context.Context) error {
	if err := p.Check(); err != nil {
		return err
	}
	r, err := p.begin(ctx)
	if err != nil {
		return err
	}
	err = r.execute(ctx)
	p.end(err)
	close(r.ended)

	return err
}

func (p *Pipeline) begin(ctx context.Context) (*run, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current != nil {
		return nil, fmt.Errorf("%w: %s", ErrRunning, p.name)
	}
	p.current = newRun(ctx, p)
	p.status = Health{State: Running, Since: time.Now()}

	return p.current, nil
}

func (p *Pipeline) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = nil
	p.status = Health{State: Stopped, Since: time.Now()}
	if err != nil {
		p.status.State, p.status.Reason = Failed, err.Error()
	}
}

// Stop takes no more in, finishes what is in flight, and waits for Run to end. The
// deadline of ctx, or Config.Drain where it has none, is when user functions are
// cancelled and unfinished messages go back to their sources. Stop returns what was not
// finished; the error is a *[StoppedError] when messages are still with a user function
// that does not return. Stopping a pipeline that does not run does nothing.
func (p *Pipeline) Stop(ctx context.Context) (Left, error) {
	p.mu.Lock()
	r := p.current
	p.mu.Unlock()
	if r == nil {
		return Left{}, nil
	}
	limit := p.config.Drain
	if deadline, ok := ctx.Deadline(); ok {
		limit = time.Until(deadline)
	}
	r.drain(limit, connector.ErrStopped)
	stop := context.AfterFunc(ctx, r.abort)
	defer stop()
	<-r.ended // only then is counted what the sources did not learn
	left := r.left()
	if left.InFlight > 0 {
		return left, &StoppedError{Flow: p.name, Left: left}
	}

	return left, nil
}

// Ledger returns what became of every message so far, over all runs.
func (p *Pipeline) Ledger() Ledger {
	return Ledger{Flow: p.name, Source: p.source.line(), Derived: p.derived.line()}
}
