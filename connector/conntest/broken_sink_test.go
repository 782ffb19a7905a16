package conntest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
)

var errBad = errors.New("bad value")

// sink keeps values; write replaces its Write.
type sink struct {
	caps  connector.Capabilities
	write func(s *sink, ctx context.Context, list []message) error

	mu     sync.Mutex
	values []string
	slices [][]message
	held   []message
	seen   map[connector.Position]bool
}

func (s *sink) Describe() connector.Capabilities { return s.caps }

func (s *sink) Write(ctx context.Context, list []message) error { return s.write(s, ctx, list) }

// accept is a Write that is right.
func (s *sink) accept(ctx context.Context, list []message) error {
	if ctx.Err() != nil {
		return fmt.Errorf("not written: %w", ctx.Err())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	partial, bad := connector.NewPartialError(len(list)), false
	for i, m := range list {
		partial.Members[i].Fate = connector.Accepted
		if strings.HasPrefix(m.Value, "x") {
			partial.Members[i], bad = connector.Member{Fate: connector.Failed, Err: connector.Permanent(errBad)}, true
		} else {
			s.values = append(s.values, m.Value)
		}
	}
	if bad {
		return partial
	}

	return nil
}

func (s *sink) contents(testing.TB) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	values := slices.Clone(s.values)
	for _, list := range s.slices {
		for _, m := range list {
			values = append(values, m.Value)
		}
	}

	return values
}

func sinkTest(caps connector.Capabilities, write func(s *sink, ctx context.Context, list []message) error, edit ...func(h *conntest.SinkHarness[string])) func(*testing.T) {
	return func(t *testing.T) {
		h := conntest.SinkHarness[string]{
			New: func(testing.TB) (connector.Sink[string], func(testing.TB) []string) {
				s := &sink{caps: caps, write: write}
				s.caps.Name = "test"

				return s, s.contents
			},
			Value:   strconv.Itoa,
			Bad:     func(i int) string { return "x" + strconv.Itoa(i) },
			Edges:   []string{"", "\x00", strings.Repeat("y", 1<<20)},
			Virtual: true,
		}
		for _, change := range edit {
			change(&h)
		}
		conntest.TestSink(t, h)
	}
}

// TestSinkThatWorks shows that the sink is right but for its defect.
func TestSinkThatWorks(t *testing.T) {
	sinkTest(connector.Capabilities{}, (*sink).accept)(t)
}

// answering changes what a Write says.
func answering(edit func(n int, err error) error) func(*testing.T) {
	return sinkTest(connector.Capabilities{}, func(s *sink, ctx context.Context, list []message) error {
		return edit(len(list), s.accept(ctx, list))
	})
}

func brokenSinks() map[string]broken {
	var none connector.Capabilities

	return map[string]broken{
		"keeps the slice": {sinkTest(none, func(s *sink, _ context.Context, list []message) error {
			s.slices = append(s.slices, list)

			return nil
		}), failed("write/keeps no slice")},
		"loses the last of many": {sinkTest(none, func(s *sink, ctx context.Context, list []message) error {
			return s.accept(ctx, list[:min(len(list), 99)])
		}), failed("write/accepts everything")},
		"changes the order": {sinkTest(none, func(s *sink, ctx context.Context, list []message) error {
			list = slices.Clone(list)
			slices.Reverse(list)

			return s.accept(ctx, list)
		}), failed("write/accepts everything")},
		"fails on nothing": {sinkTest(none, func(s *sink, ctx context.Context, list []message) error {
			if len(list) == 0 {
				return errBad
			}

			return s.accept(ctx, list)
		}), failed("write/nothing")},
		"needs an ID": {sinkTest(none, func(s *sink, ctx context.Context, list []message) error {
			if len(list) > 0 && list[0].ID() == "" {
				return errBad
			}

			return s.accept(ctx, list)
		}), failed("write/without metadata")},
		"denies what it wrote": {sinkTest(none, func(s *sink, ctx context.Context, list []message) error {
			if err := s.accept(context.WithoutCancel(ctx), list); err != nil {
				return err
			}

			return ctx.Err()
		}), failed("write/context already ended")},
		"is not idempotent":   {sinkTest(connector.Capabilities{Idempotent: true}, (*sink).accept), failed("write/the same again")},
		"does not stop":       {sinkTest(connector.Capabilities{Ordered: true}, (*sink).accept), failed("refuse/one of several")},
		"hides the failure":   {answering(func(int, error) error { return nil }), failed("refuse/one message")},
		"calls it transient":  {answering(func(_ int, err error) error { return connector.Transient(err) }), failed("refuse/one message")},
		"has a member short":  {answering(short), failed("refuse/one of several")},
		"calls all failed":    {answering(allFailed), failed("refuse/one of several")},
		"gives no cause":      {answering(causeless), failed("refuse/one of several")},
		"writes concurrently": {sinkTest(none, muddled), failed("write/concurrently")},
	}
}

func short(_ int, err error) error {
	if partial, ok := errors.AsType[*connector.PartialError](err); ok {
		partial.Members = partial.Members[:len(partial.Members)-1]
	}

	return err
}

func allFailed(_ int, err error) error {
	if err == nil {
		return nil
	}

	return connector.Permanent(errBad)
}

func causeless(n int, err error) error {
	partial, ok := errors.AsType[*connector.PartialError](err)
	if !ok || n < 5 {
		return err
	}
	for i := range partial.Members {
		partial.Members[i].Err = nil
	}

	return partial
}

// muddled loses what is written while another Write is under way.
func muddled(s *sink, ctx context.Context, list []message) error {
	if !s.mu.TryLock() {
		return nil
	}
	before := len(s.slices)
	s.slices = append(s.slices, nil)
	s.mu.Unlock()
	err := s.accept(ctx, list)
	s.mu.Lock()
	defer s.mu.Unlock()
	if before%3 == 2 && len(list) == 10 {
		s.values = s.values[:len(s.values)-1]
	}

	return err
}
