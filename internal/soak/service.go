package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/flow"
)

// clients is how many callers the service has. Each sends one request after the other.
const clients = 8

// job is a request to the service.
type job struct {
	Client int `json:"client"`
	Number int `json:"number"`
}

// service is a pipeline behind HTTP that lives as long as the soak, and its clients.
type service struct {
	dice     *dice
	store    *boltstore.Store
	intake   *httpconn.Intake[job]
	pipeline *flow.Pipeline
	logs     [clients]clientLog
	served   atomic.Int64
}

// clientLog is what the latest requests of a client came to.
type clientLog struct {
	mu               sync.Mutex
	effects, excuses [logged]int
	numbers          [logged]int
}

// logged is how many requests of a client are remembered.
const logged = 256

func (c *clientLog) at(number int) int {
	i := number % logged
	if c.numbers[i] < number {
		c.numbers[i], c.effects[i], c.excuses[i] = number, 0, 0
	}

	return i
}

func newService(dice *dice, path string) (*service, error) {
	store, err := boltstore.Open(path, boltstore.Config{})
	if err != nil {
		return nil, err
	}
	s := &service{dice: dice, store: store}
	s.intake, err = httpconn.NewIntake[job](httpconn.IntakeConfig{})
	if err != nil {
		return s, err
	}
	queue, err := queueconn.NewMemory[job](queueconn.Config{})
	if err != nil {
		return s, err
	}
	faulty := &faultySink[job]{connector.SinkFunc[job](s.write), dice, "the service's sink", s.excuse, 1}
	inspect := flow.Func("inspect", faultyStep(dice, "a caller", func(j job) (job, error) { return j, nil }))
	end := flow.From(s.intake).
		Once(&faultyStore{store, dice, "the store", s.excuseKey}, job.key, 20*time.Second).As("once").
		KeyBy(func(j job) int { return j.Client }).
		Throttle(flow.Rate{Limit: 500, Per: time.Second, Burst: 50}).As("throttle").
		Delay(queue, func(j job) time.Duration { return time.Duration(j.Number%4) * time.Millisecond }).As("delay").
		Do(inspect.Timeout(patience).Retry(again)).
		Batch(clients, 2*time.Millisecond).To(flow.Into(faulty).Timeout(patience).Retry(again))
	s.pipeline = flow.New("service", end).With(flow.Config{Drain: time.Minute})

	return s, s.pipeline.Check()
}

func (j job) key() string { return fmt.Sprintf("%d-%d", j.Client, j.Number) }

func (s *service) write(_ context.Context, messages []connector.Message[job]) error {
	for _, m := range messages {
		c := &s.logs[m.Value.Client]
		c.mu.Lock()
		c.effects[c.at(m.Value.Number)]++
		c.mu.Unlock()
	}
	s.served.Add(int64(len(messages)))

	return nil
}

func (s *service) excuse(j job) {
	c := &s.logs[j.Client]
	c.mu.Lock()
	defer c.mu.Unlock()
	c.excuses[c.at(j.Number)]++
}

func (s *service) excuseKey(key string) {
	client, number, _ := strings.Cut(key[strings.LastIndexByte(key, '/')+1:], "-")
	c, _ := strconv.Atoi(client)
	n, _ := strconv.Atoi(number)
	s.excuse(job{c, n})
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
		if err := s.check(j); err != nil {
			return err
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

func (s *service) check(j job) error {
	c := &s.logs[j.Client]
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := max(1, j.Number-logged/2); n <= j.Number; n++ {
		i := c.at(n)
		if c.effects[i] == 0 {
			return fmt.Errorf("request %d of client %d was answered with success and has no effect", n, j.Client)
		}
		if c.effects[i] > 1+c.excuses[i] {
			return fmt.Errorf("request %d of client %d had its effect %d times, with %d excuses", n, j.Client, c.effects[i], c.excuses[i])
		}
	}

	return nil
}
