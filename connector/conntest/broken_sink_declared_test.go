package conntest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
)

// seldom accepts each position once.
func seldom(s *sink, ctx context.Context, list []message) error {
	s.mu.Lock()
	if s.seen == nil {
		s.seen = map[connector.Position]bool{}
	}
	fresh := slices.DeleteFunc(slices.Clone(list), func(m message) bool { return s.seen[m.Position()] })
	for _, m := range fresh {
		s.seen[m.Position()] = !m.Position().IsZero() && !strings.HasPrefix(m.Value, "x") && ctx.Err() == nil
	}
	s.mu.Unlock()
	err := s.accept(ctx, fresh)
	partial, ok := errors.AsType[*connector.PartialError](err)
	if !ok {
		return err
	}
	all := connector.NewPartialError(len(list))
	for i, m := range list {
		all.Members[i].Fate = connector.Accepted
		if at := slices.IndexFunc(fresh, func(f message) bool { return f.Meta == m.Meta }); at >= 0 {
			all.Members[i] = partial.Members[at]
		}
	}

	return all
}

// TestTransactionalSinkThatWorks shows that the sink is right but for its defect.
func TestTransactionalSinkThatWorks(t *testing.T) {
	sinkTest(connector.Capabilities{Transactional: true, Durable: true}, seldom)(t)
}

func declaredSinks() map[string]broken {
	var none connector.Capabilities

	return map[string]broken{
		"is idempotent without saying so": {sinkTest(none, seldom), failed("write/the same again is there twice, or refused")},
		"keeps the last back": {sinkTest(connector.Capabilities{Durable: true}, func(s *sink, ctx context.Context, list []message) error {
			if len(list) == 0 {
				return nil
			}
			held := s.held
			s.held = slices.Clone(list[len(list)-1:])

			return s.accept(ctx, append(held, list[:len(list)-1]...))
		}), failed("durable/is there without a flush")},
		"forgets positions": {sinkTest(connector.Capabilities{Transactional: true}, (*sink).accept),
			failed("transaction/a position has one effect")},
		"does not look at the last": {answering(func(n int, err error) error {
			if partial, ok := errors.AsType[*connector.PartialError](err); ok && n == 60 {
				partial.Members[n-1] = connector.Member{Fate: connector.Accepted}
			}

			return err
		}), failed("refuse/first, last and neighbours")},
		"hopes for the best": {answering(func(n int, err error) error {
			if err != nil && n == 3 {
				return connector.Transient(err)
			}

			return err
		}), failed("refuse/all of several")},
		"drops empty values": {sinkTest(none, func(s *sink, ctx context.Context, list []message) error {
			return s.accept(ctx, slices.DeleteFunc(slices.Clone(list), func(m message) bool { return m.Value == "" }))
		}), failed("edge/values")},
		"chokes on headers": {sinkTest(none, func(s *sink, ctx context.Context, list []message) error {
			for _, m := range list {
				for name := range m.Headers() {
					if strings.Contains(name, "\n") {
						return connector.Transient(errBad)
					}
				}
			}

			return s.accept(ctx, list)
		}), failed("edge/metadata")},
		"leaves goroutines": {sinkTest(none, func(s *sink, ctx context.Context, list []message) error {
			go func() { select {} }()

			return s.accept(ctx, list)
		}, func(h *conntest.SinkHarness[string]) { h.Virtual, h.Wait = false, time.Second }), failed("write/no goroutine is left")},
		"loses at Close": {closableTest(func(s *closable) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.values = s.values[:max(len(s.values)-1, 0)]
		}, nil), failed("close/what was accepted is there")},
		"accepts when it is closed": {closableTest(nil, func(s *closable, ctx context.Context, list []message) error {
			if s.closed.Load() {
				return nil
			}

			return s.accept(ctx, list)
		}), failed("close/while it is written to")},
	}
}

// closable is a sink that can be closed.
type closable struct {
	*sink

	closed  atomic.Bool
	onClose func(s *closable)
	onWrite func(s *closable, ctx context.Context, list []message) error
}

func (s *closable) Write(ctx context.Context, list []message) error { return s.onWrite(s, ctx, list) }

func (s *closable) Close() error {
	if s.closed.CompareAndSwap(false, true) && s.onClose != nil {
		s.onClose(s)
	}

	return nil
}

func closableTest(onClose func(s *closable), write func(s *closable, ctx context.Context, list []message) error) func(*testing.T) {
	if write == nil {
		write = func(s *closable, ctx context.Context, list []message) error {
			if s.closed.Load() {
				return connector.Permanent(connector.ErrClosed)
			}

			return s.accept(ctx, list)
		}
	}

	return sinkTest(connector.Capabilities{}, (*sink).accept, func(h *conntest.SinkHarness[string]) {
		start := h.New
		h.New = func(t testing.TB) (connector.Sink[string], func(testing.TB) []string) {
			inner, contents := start(t)

			return &closable{sink: inner.(*sink), onClose: onClose, onWrite: write}, contents
		}
	})
}

// TestClosableSinkThatWorks shows that the sink is right but for its defect.
func TestClosableSinkThatWorks(t *testing.T) { closableTest(nil, nil)(t) }
