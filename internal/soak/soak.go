package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/flow"
)

// config says how long and how much.
type config struct {
	// dir is where the state is, and nothing else.
	dir string
	// length is when the soak ends; most, where it is not zero, ends it after so many
	// rounds.
	length time.Duration
	most   int64
	// every is how often a sample is taken.
	every time.Duration
	// size is how many orders a round has, side how many rounds run side by side.
	size, side int
	// stopWithin is how soon at most a run of a round is stopped, stopService that of
	// the service.
	stopWithin, stopService time.Duration
	// seed is that of the faults.
	seed uint64
	// progress, where set, is told of each sample.
	progress func(sample)
}

// soak is the whole: rounds one after the other, and the service beside them.
type soak struct {
	config

	dice    *dice
	service *service
	server  *server
	prices  flow.Step[[]order, []order]
	closers []io.Closer
	// started and rounds count the rounds that have begun, and those that have ended.
	started, rounds atomic.Int64
	samples         []sample
}

// run soaks. It returns the samples, also with the first problem.
func run(ctx context.Context, c config) ([]sample, error) {
	before := measure(c.dir)
	s, err := open(c)
	if err == nil {
		err = s.work(ctx)
	}
	if err = errors.Join(err, s.close()); err == nil {
		err = settled(before, c.dir, 5*time.Second)
	}

	return s.samples, err
}

// open makes everything that lives as long as the soak. What it returns must be closed,
// also with an error.
func open(c config) (*soak, error) {
	s := &soak{config: c, dice: newDice(c.seed)}
	prices, err := pricing(s.dice)
	if err != nil {
		return s, err
	}
	if s.service, err = newService(s.dice, filepath.Join(c.dir, "service.store")); err != nil {
		return s, err
	}
	s.closers = append(s.closers, s.service)
	mux := http.NewServeMux()
	mux.Handle("/prices", prices)
	mux.Handle("/jobs", s.service.intake)
	if s.server, err = serve(mux); err != nil {
		return s, err
	}
	s.closers = append(s.closers, s.server)
	caller, err := httpconn.NewCaller[[]order, []order](httpconn.CallerConfig[[]order]{URL: s.server.address + "/prices"})
	if err != nil {
		return s, err
	}
	s.closers = append(s.closers, caller)
	s.prices = flow.Ask("prices", caller).Timeout(patience).Retry(again)

	return s, nil
}

func (s *soak) close() error {
	var errs []error
	for _, c := range slices.Backward(s.closers) {
		errs = append(errs, c.Close())
	}

	return errors.Join(errs...)
}

// work runs rounds and the service until the end, and samples. The first problem ends it.
func (s *soak) work(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.length)
	defer cancel()
	parts := []func() error{
		func() error { return s.service.run(ctx, s.server.address+"/jobs", s.stopService) },
		func() error { s.takeSamples(ctx); return nil },
	}
	for range s.side {
		parts = append(parts, func() error {
			err := s.doRounds(ctx)
			if s.ended() {
				cancel()
			}

			return err
		})
	}
	errs := make([]error, len(parts))
	var all sync.WaitGroup
	for i, part := range parts {
		all.Go(func() {
			if errs[i] = part(); errs[i] != nil {
				cancel()
			}
		})
	}
	all.Wait()

	return errors.Join(errs...)
}

// ended reports whether there have been as many rounds as there may be.
func (s *soak) ended() bool { return s.most > 0 && s.rounds.Load() >= s.most }

// doRounds does one round after the other. What is not done when the time ends is left.
func (s *soak) doRounds(ctx context.Context) error {
	for ctx.Err() == nil && !s.ended() {
		number := int(s.started.Add(1))
		r, err := newRound(s, number)
		if err == nil {
			err = r.run(ctx)
		}
		if err != nil && !errors.Is(err, ctx.Err()) {
			return fmt.Errorf("round %d: %w", number, err) // its directory stays, to be looked at
		}
		if err == nil {
			s.rounds.Add(1)
		}
		if err := os.RemoveAll(r.dir); err != nil {
			return err
		}
	}

	return nil
}
