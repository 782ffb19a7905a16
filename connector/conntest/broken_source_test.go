package conntest_test

import (
	"context"
	"errors"
	"io"
	"strconv"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/memory"
)

type (
	message    = connector.Message[string]
	settlement = connector.Settlement
)

// reader is a Reader with methods that can be replaced.
type reader struct {
	connector.Reader[string]

	read   func(ctx context.Context, limit int) ([]message, error)
	settle func(ctx context.Context, list []settlement) error
	close  func() error
}

func (r *reader) Read(ctx context.Context, limit int) ([]message, error) { return r.read(ctx, limit) }

func (r *reader) Settle(ctx context.Context, list []settlement) error { return r.settle(ctx, list) }

func (r *reader) Close() error { return r.close() }

// source is a memory.Source whose Readers are broken.
type source struct {
	*memory.Source[string]

	spoil func(r *reader)
	caps  *connector.Capabilities
}

func (s source) Describe() connector.Capabilities {
	if s.caps != nil {
		return *s.caps
	}

	return s.Source.Describe()
}

func (s source) Open(ctx context.Context) (connector.Reader[string], error) {
	inner, err := s.Source.Open(ctx)
	if err != nil {
		return nil, err
	}
	r := &reader{Reader: inner, read: inner.Read, settle: inner.Settle, close: inner.Close}
	if s.spoil != nil {
		s.spoil(r)
	}

	return r, nil
}

// spoiled tests a source whose Readers went through spoil.
func spoiled(spoil func(r *reader)) func(t *testing.T) {
	return func(t *testing.T) {
		conntest.TestSource(t, conntest.SourceHarness[string]{
			New: func(_ testing.TB, values []string) connector.Source[string] {
				return source{Source: memory.NewSource(values...), spoil: spoil}
			},
			Value:   strconv.Itoa,
			Edges:   []string{"", "\x00"},
			Virtual: true,
		})
	}
}

// edited tests a source whose messages went through edit.
func edited(edit func(i int, m connector.Fields) connector.Fields) func(t *testing.T) {
	return spoiled(func(r *reader) {
		inner := r.read
		r.read = func(ctx context.Context, limit int) ([]message, error) {
			list, err := inner(ctx, limit)
			for i, m := range list {
				list[i] = connector.NewMessage(m.Value, edit(i, m.Fields()))
			}

			return list, err
		}
	})
}

// settled tests a source whose settlements went through edit.
func settled(edit func(s settlement) settlement) func(t *testing.T) {
	return spoiled(func(r *reader) {
		inner := r.settle
		r.settle = func(ctx context.Context, list []settlement) error {
			for i := range list {
				list[i] = edit(list[i])
			}

			return inner(ctx, list)
		}
	})
}

func brokenSources() map[string]broken {
	return map[string]broken{
		"loses a message":         {spoiled(losing), failed("read/every message once")},
		"gives too many":          {spoiled(generous), failed("read/one at a time")},
		"goes on after EOF":       {spoiled(restless), failed("read/end of file is sticky")},
		"gives nothing at all":    {spoiled(idle), failed("read/every message once")},
		"reuses metadata":         {spoiled(thrifty), failed("read/metadata stays until it is settled")},
		"forgets on Close":        {spoiled(careless), failed("close/what was not settled comes again")},
		"fails to close":          {spoiled(stuck), failed("open/closed without a read")},
		"refuses to settle twice": {spoiled(strict), failed("settle/twice is harmless")},
		"gives one position to all": {edited(func(_ int, f connector.Fields) connector.Fields {
			f.Position.Offset = 1

			return f
		}), failed("read/every message once")},
		"gives no position": {edited(func(_ int, f connector.Fields) connector.Fields {
			f.Position = connector.Position{}

			return f
		}), failed("read/one at a time")},
		"changes IDs": {edited(func(_ int, f connector.Fields) connector.Fields {
			f.ID += "-" + strconv.Itoa(f.Attempt)

			return f
		}), failed("return/comes again")},
		"does not count": {edited(func(_ int, f connector.Fields) connector.Fields {
			f.Attempt = 1

			return f
		}), failed("return/comes again")},
		"ignores the delay": {settled(func(s settlement) settlement {
			s.Delay = 0

			return s
		}), failed("return/waits for its delay")},
		"counts what was stopped": {settled(func(s settlement) settlement {
			s.Cause = nil

			return s
		}), failed("return/stopped is no attempt")},
		"takes a return for done": {settled(func(s settlement) settlement {
			s.Outcome = connector.Delivered

			return s
		}), failed("return/comes again")},
		"forgets what is done": {forgetful, failed("close/what is done does not come again")},
		"has no lease":         {leaseless, failed("lease/ends")},
		"has no name":          {nameless, "Describe gives no Name"},
		"leaves goroutines":    {leaking, failed("close/no goroutine is left")},
		"waits for ever":       {deaf, "deadlock"},
		"without a harness": {func(t *testing.T) {
			conntest.TestSource(t, conntest.SourceHarness[string]{Value: strconv.Itoa})
		}, "the harness lacks New"},
	}
}

func losing(r *reader) {
	inner := r.read
	r.read = func(ctx context.Context, limit int) ([]message, error) {
		list, err := inner(ctx, limit)
		if len(list) > 1 {
			list = list[1:]
		}

		return list, err
	}
}

func generous(r *reader) {
	inner := r.read
	r.read = func(ctx context.Context, limit int) ([]message, error) { return inner(ctx, limit+1) }
}

func restless(r *reader) {
	inner, ends := r.read, 0
	r.read = func(ctx context.Context, limit int) ([]message, error) {
		list, err := inner(ctx, limit)
		if errors.Is(err, io.EOF) {
			ends++
		}
		if ends > 1 {
			return nil, errors.New("read after the end")
		}

		return list, err
	}
}

func idle(r *reader) {
	r.read = func(context.Context, int) ([]message, error) { return nil, nil }
}

func thrifty(r *reader) {
	metas := make([]connector.Meta, 10)
	inner := r.read
	r.read = func(ctx context.Context, limit int) ([]message, error) {
		list, err := inner(ctx, min(limit, len(metas)))
		for i, m := range list {
			metas[i] = connector.MakeMeta(m.Fields())
			list[i].Meta = &metas[i]
		}

		return list, err
	}
}

func careless(r *reader) { r.close = func() error { return nil } }

func stuck(r *reader) { r.close = func() error { return errors.New("busy") } }

func strict(r *reader) {
	inner, seen := r.settle, map[connector.Position]bool{}
	r.settle = func(ctx context.Context, list []settlement) error {
		for _, s := range list {
			if seen[s.Position] {
				return errors.New("settled before")
			}
			seen[s.Position] = true
		}

		return inner(ctx, list)
	}
}

// test runs the suite on a source of its own making.
func test(t *testing.T, endless, virtual bool, open func(values []string) connector.Source[string]) {
	t.Helper()
	conntest.TestSource(t, conntest.SourceHarness[string]{
		New:     func(_ testing.TB, values []string) connector.Source[string] { return open(values) },
		Value:   strconv.Itoa,
		Endless: endless,
		Virtual: virtual,
		Wait:    time.Second,
	})
}

// fresh is a new source at each Open.
type fresh struct{ values []string }

func (f fresh) Describe() connector.Capabilities {
	return connector.Capabilities{Name: "fresh", Returns: true}
}

func (f fresh) Open(ctx context.Context) (connector.Reader[string], error) {
	return memory.NewSource(f.values...).Open(ctx)
}

func forgetful(t *testing.T) {
	test(t, false, true, func(values []string) connector.Source[string] { return fresh{values} })
}

func leaseless(t *testing.T) {
	test(t, true, true, func(values []string) connector.Source[string] {
		caps := connector.Capabilities{Name: "leaseless", Returns: true, Lease: time.Minute}

		return source{Source: memory.NewFeed(values...), caps: &caps}
	})
}

func nameless(t *testing.T) {
	test(t, false, true, func(values []string) connector.Source[string] {
		return source{Source: memory.NewSource(values...), caps: &connector.Capabilities{Returns: true}}
	})
}

func leaking(t *testing.T) {
	test(t, false, false, func(values []string) connector.Source[string] {
		return source{Source: memory.NewSource(values...), spoil: func(*reader) {
			go func() { select {} }()
		}}
	})
}

func deaf(t *testing.T) {
	test(t, true, true, func(values []string) connector.Source[string] {
		return source{Source: memory.NewFeed(values...), spoil: func(r *reader) {
			inner := r.read
			r.read = func(ctx context.Context, limit int) ([]message, error) {
				return inner(context.WithoutCancel(ctx), limit)
			}
		}}
	})
}
