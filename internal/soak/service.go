package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/flow"
)

// remembered is how long the service knows a request again: so short that its store forgets
// while the soak goes on. A client that had no answer, because a busy machine gave the
// process no time, can come later than that.
const remembered = time.Minute

// clients is how many callers the service has. Each sends one request after the other.
const clients = 8

// job is a request to the service.
type job struct {
	Client int `json:"client"`
	Number int `json:"number"`
}

// service is a pipeline behind HTTP that lives as long as the soak, with an idempotent
// receiver whose store forgets, and its clients.
type service struct {
	dice     *dice
	store    *boltstore.Store
	intake   *httpconn.Intake[job]
	pipeline *flow.Pipeline
	logs     [clients]callLog
}

func newService(dice *dice, path string) (*service, error) {
	intake, err1 := httpconn.NewIntake[job](httpconn.IntakeConfig{})
	queue, err2 := queueconn.NewMemory[job](queueconn.Config{Lease: lease})
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	store, err := boltstore.Open(path, boltstore.Config{})
	if err != nil {
		return nil, err
	}
	s := &service{dice: dice, store: store, intake: intake}
	faulty := newFaultySink(connector.SinkFunc[job](s.write), dice, "service sink", s.excuse)
	inspect := flow.Func("inspect", faultyStep(dice, "caller", func(j job) (job, error) { return j, nil }))
	s.pipeline = flow.New("service", flow.From(intake).
		Once(&faultyStore{store, dice, "store", s.excuseKey}, job.key, remembered).As("once").
		KeyBy(func(j job) int { return j.Client }).
		Throttle(flow.Rate{Limit: 500, Per: time.Second, Burst: 50}).As("throttle").
		Delay(queue, func(j job) time.Duration { return time.Duration(j.Number%4) * time.Millisecond }).As("delay").
		Do(inspect.Timeout(patience).Retry(again)).
		Batch(clients, 2*time.Millisecond).To(flow.Into(faulty).Timeout(patience).Retry(again)),
	).With(flow.Config{Drain: time.Minute})

	return s, nil
}

// Close closes the store.
func (s *service) Close() error { return s.store.Close() }

func (j job) key() string { return fmt.Sprintf("%d-%d", j.Client, j.Number) }

func (s *service) write(_ context.Context, messages []connector.Message[job]) error {
	for _, m := range messages {
		if s.logs[m.Value.Client].effect(m.Value.Number, time.Now()) {
			s.dice.note("requests that came again when they were forgotten")
		}
	}

	return nil
}

func (s *service) excuse(j job) { s.logs[j.Client].excuse(j.Number) }

// excuseKey finds the job of a claim that was not confirmed: see job.key.
func (s *service) excuseKey(key string) {
	var j job
	if _, err := fmt.Sscanf(key[strings.LastIndexByte(key, '/')+1:], "%d-%d", &j.Client, &j.Number); err != nil {
		panic(fmt.Sprintf("the claim %q is not that of a job: %v", key, err))
	}
	s.excuse(j)
}

// run keeps the pipeline going until ctx ends, and stops it every so often.
func (s *service) run(ctx context.Context, address string, every time.Duration) error {
	var all sync.WaitGroup
	var failed [clients]error
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	calling, hangUp := context.WithCancel(ctx)
	for i := range clients {
		all.Go(func() {
			if failed[i] = s.client(calling, address, i); failed[i] != nil {
				cancel()
			}
		})
	}
	var problem error
	for ctx.Err() == nil && problem == nil {
		problem = s.runOnce(ctx, s.dice.between(every/2, every))
	}
	hangUp()
	all.Wait()

	return errors.Join(problem, errors.Join(failed[:]...))
}

func (s *service) runOnce(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	s.dice.note("runs of the service")
	err := flow.Supervise(flow.SupervisorConfig{Restart: restart}, s.pipeline).Run(ctx)
	if ledger := s.pipeline.Ledger(); !closed(ledger) {
		return errors.Join(err, fmt.Errorf("the ledger of the service does not balance: %v", ledger))
	}
	if _, left := errors.AsType[*flow.StoppedError](err); left {
		return err
	}

	return nil
}

// client sends requests one after the other, each until it is answered with success, and
// then looks whether its effect was there, and how often.
func (s *service) client(ctx context.Context, address string, id int) error {
	caller, err := httpconn.NewCaller[job, struct{}](httpconn.CallerConfig[job]{URL: address, Timeout: 5 * time.Second})
	if err != nil {
		return err
	}
	defer func() { _ = caller.Close() }() // it closes idle connections
	for number := 1; ctx.Err() == nil; number++ {
		j := job{id, number}
		if !s.ask(ctx, caller, j) {
			return nil
		}
		if err := s.logs[id].check(number); err != nil {
			return fmt.Errorf("client %d: %w", id, err)
		}
	}

	return nil
}

// ask repeats the request until it is answered; it reports false at the end of ctx.
func (s *service) ask(ctx context.Context, caller connector.Caller[job, struct{}], j job) bool {
	for {
		if _, err := caller.Call(ctx, j); err == nil {
			return true
		}
		s.dice.note("requests sent again")
		select {
		case <-ctx.Done():
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
}
