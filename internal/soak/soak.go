package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/flow"
)

// config says how long and how much.
type config struct {
	dir    string
	length time.Duration
	every  time.Duration
	// size is how many orders a round has.
	size int
	// side is how many rounds run side by side.
	side int
	// stopWithin is how soon at most a run of a round is stopped, stopService that of
	// the service.
	stopWithin, stopService time.Duration
	seed                    uint64
	// progress, where set, is told of each sample.
	progress func(sample)
}

// soak is the whole: one round after the other, and the service beside them.
type soak struct {
	config

	dice    *dice
	prices  flow.Step[[]order, []order]
	service *service
	// started and rounds count the rounds that have begun, and those that have ended.
	started, rounds atomic.Int64
	samples         []sample
}

// run soaks. It returns what was measured, also with the first problem.
func run(ctx context.Context, c config) (*soak, error) {
	s := &soak{config: c, dice: newDice(c.seed)}
	before := measure(c.dir)
	err := s.serveAndRun(ctx)
	if err == nil {
		err = s.settled(before)
	}

	return s, err
}

func (s *soak) serveAndRun(ctx context.Context) (err error) {
	s.service, err = newService(s.dice, s.dir+"/service.store")
	if s.service != nil {
		defer func() { err = errors.Join(err, s.service.store.Close(), os.Remove(s.dir+"/service.store")) }()
	}
	if err != nil {
		return err
	}
	prices, err := pricing(s.dice)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/prices", prices)
	mux.Handle("/jobs", s.service.intake)
	server, err := serve(mux)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.close()) }()
	caller, err := httpconn.NewCaller[[]order, []order](httpconn.CallerConfig[[]order]{URL: server.address + "/prices"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, caller.Close()) }()
	s.prices = flow.Ask("prices", caller)

	return s.work(ctx, server.address+"/jobs")
}

// work runs rounds and the service until the time is over, and samples.
func (s *soak) work(ctx context.Context, jobs string) error {
	ctx, cancel := context.WithTimeout(ctx, s.length)
	defer cancel()
	parts := []func() error{
		func() error { return s.service.run(ctx, jobs, s.stopService) },
		func() error { s.takeSamples(ctx); return nil },
	}
	for range s.side {
		parts = append(parts, func() error { return s.doRounds(ctx) })
	}
	ending := make(chan error, len(parts))
	for _, part := range parts {
		go func() {
			err := part()
			if err != nil {
				cancel()
			}
			ending <- err
		}()
	}

	var errs []error
	for range parts {
		errs = append(errs, <-ending)
	}

	return errors.Join(errs...)
}

// doRounds does one round after the other. What is not done when the time ends is left.
func (s *soak) doRounds(ctx context.Context) error {
	for ctx.Err() == nil {
		number := int(s.started.Add(1))
		r, err := newRound(s, number)
		if err == nil {
			err = r.run(ctx)
		}
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return os.RemoveAll(r.dir)
		}
		if err != nil {
			return fmt.Errorf("round %d: %w", number, err) // its directory stays, to be looked at
		}
		if err := os.RemoveAll(r.dir); err != nil {
			return err
		}

		s.rounds.Add(1)
	}

	return nil
}
