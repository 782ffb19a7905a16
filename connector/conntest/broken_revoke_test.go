package conntest_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/memory"
)

// partitions is a memory.Source with two partitions. Its Revoke has a defect.
type partitions struct {
	*memory.Source[string]

	revoker func(inner connector.Reader[string]) connector.Reader[string]
}

func (p partitions) Open(ctx context.Context) (connector.Reader[string], error) {
	inner, err := p.Source.Open(ctx)
	if err != nil || p.revoker == nil {
		return inner, err
	}

	return p.revoker(inner), nil
}

// revocable passes OnRevoke on, changed.
type revocable struct {
	connector.Reader[string]

	change func(wait func(context.Context, []string) error) func(context.Context, []string) error
}

func (r revocable) OnRevoke(wait func(context.Context, []string) error) {
	r.Reader.(connector.Revoker).OnRevoke(r.change(wait))
}

type waiting = func(context.Context, []string) error

func changed(change func(waiting) waiting) partitions {
	return partitions{revoker: func(inner connector.Reader[string]) connector.Reader[string] {
		return revocable{inner, change}
	}}
}

func revoked(spoiled partitions, revoke func(*memory.Source[string], string) func()) func(t *testing.T) {
	return func(t *testing.T) {
		conntest.TestSource(t, conntest.SourceHarness[string]{
			New: func(_ testing.TB, values []string) connector.Source[string] {
				spoiled.Source = memory.NewSource[string]()
				spoiled.Declare(connector.Capabilities{Returns: true, Partitioned: true})
				for i, value := range values {
					spoiled.SendTo(fmt.Sprint("p", i%2), value)
				}

				return spoiled
			},
			Value: strconv.Itoa,
			Revoke: func(_ testing.TB, s connector.Source[string], partition string) func() {
				return revoke(s.(partitions).Source, partition)
			},
			Virtual: true,
		})
	}
}

// properly revokes as it should be done.
func properly(s *memory.Source[string], partition string) func() {
	_ = s.Revoke(context.Background(), partition)

	return func() { s.Assign(partition) }
}

func brokenPartitions() map[string]broken {
	return map[string]broken{
		"tell nobody": {revoked(changed(func(waiting) waiting { return nil }), properly), failed("revoke/waits for what was handed out")},
		"wait for nobody": {revoked(changed(func(wait waiting) waiting {
			return func(ctx context.Context, names []string) error {
				go func() {
					defer func() { _ = recover() }() // from failing a case that is over

					_ = wait(ctx, names)
				}()

				return nil
			}
		}), properly), failed("revoke/waits for what was handed out")},
		"name others": {revoked(changed(func(wait waiting) waiting {
			return func(ctx context.Context, _ []string) error { return wait(ctx, []string{"p7"}) }
		}), properly), failed("revoke/waits for what was handed out")},
		"have no Revoker": {revoked(partitions{revoker: func(inner connector.Reader[string]) connector.Reader[string] {
			return struct{ connector.Reader[string] }{inner}
		}}, properly), "the Reader is no connector.Revoker"},
		"go on": {revoked(partitions{}, func(s *memory.Source[string], partition string) func() {
			giveBack := properly(s, partition)
			giveBack()

			return giveBack
		}), failed("revoke/hands out nothing more")},
		"lose messages": {revoked(partitions{}, func(s *memory.Source[string], partition string) func() {
			_ = s.Revoke(context.Background(), partition)

			return func() {}
		}), failed("revoke/what was not settled comes again")},
		"without a harness": {func(t *testing.T) {
			conntest.TestSource(t, conntest.SourceHarness[string]{
				New: func(testing.TB, []string) connector.Source[string] {
					source := memory.NewSource[string]()
					source.Declare(connector.Capabilities{Partitioned: true})

					return source
				},
				Value: strconv.Itoa,
			})
		}, "the harness lacks Revoke"},
	}
}
