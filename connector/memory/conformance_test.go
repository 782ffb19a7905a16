package memory_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/memory"
)

func finite(_ testing.TB, values []string) connector.Source[string] {
	return memory.NewSource(values...)
}

func fed(_ testing.TB, values []string) connector.Source[string] {
	return memory.NewFeed(values...)
}

func declared(caps connector.Capabilities) func(testing.TB, []string) connector.Source[string] {
	return func(_ testing.TB, values []string) connector.Source[string] {
		source := memory.NewSource(values...)
		source.Declare(caps)

		return source
	}
}

// spread puts the values into two partitions.
func spread(caps connector.Capabilities) func(testing.TB, []string) connector.Source[string] {
	return func(_ testing.TB, values []string) connector.Source[string] {
		source := memory.NewSource[string]()
		source.Declare(caps)
		for i, value := range values {
			source.SendTo(fmt.Sprint("p", i%2), value)
		}

		return source
	}
}

func revoke(t testing.TB, source connector.Source[string], partition string) func() {
	t.Helper()
	fake := source.(*memory.Source[string])
	if err := fake.Revoke(t.Context(), partition); err != nil {
		t.Log(err) // where the function of the suite fails
	}

	return func() { fake.Assign(partition) }
}

func TestSourceConformance(t *testing.T) {
	t.Parallel()
	tests := map[string]conntest.SourceHarness[string]{
		"finite":      {New: finite},
		"fed":         {New: fed, Endless: true},
		"ordered":     {New: declared(connector.Capabilities{Ordered: true, Returns: true})},
		"one way":     {New: declared(connector.Capabilities{}), Resumes: true},
		"leased":      {New: declared(connector.Capabilities{Returns: true, Lease: time.Minute})},
		"partitioned": {New: spread(connector.Capabilities{Returns: true, Partitioned: true}), Revoke: revoke},
		"partitioned, ordered, leased": {
			New: spread(connector.Capabilities{Returns: true, Partitioned: true, Ordered: true, Lease: time.Hour}), Revoke: revoke,
		},
	}
	for name, harness := range tests {
		harness.Value, harness.Virtual = strconv.Itoa, true
		harness.Edges = []string{"", "\x00\xff", strings.Repeat("x", 1<<20)}
		t.Run(name, func(t *testing.T) { conntest.TestSource(t, harness) })
	}
	t.Run("real time", func(t *testing.T) {
		t.Parallel()
		conntest.TestSource(t, conntest.SourceHarness[string]{
			New:   declared(connector.Capabilities{Returns: true, Lease: 400 * time.Millisecond}),
			Value: strconv.Itoa,
		})
	})
}

var errOdd = errors.New("odd")

func TestSinkConformance(t *testing.T) {
	for name, caps := range map[string]connector.Capabilities{"plain": {}, "ordered": {Ordered: true}} {
		t.Run(name, func(t *testing.T) {
			conntest.TestSink(t, conntest.SinkHarness[string]{
				New: func(testing.TB) (connector.Sink[string], func(testing.TB) []string) {
					sink := memory.NewSink[string]()
					sink.Declare(caps)
					sink.FailWhen(func(value string) error {
						if value[0] == 'x' {
							return connector.Permanent(errOdd)
						}

						return nil
					})

					return sink, func(testing.TB) []string { return sink.Values() }
				},
				Value:   strconv.Itoa,
				Bad:     func(i int) string { return "x" + strconv.Itoa(i) },
				Edges:   []string{" ", "\x00\xff", strings.Repeat("y", 1<<20)},
				Virtual: true,
			})
		})
	}
}

func TestCallerConformance(t *testing.T) {
	length := func(ctx context.Context, req string) (int, error) {
		switch req {
		case "slow":
			<-ctx.Done()

			return 0, ctx.Err()
		case "odd":
			return 0, connector.Permanent(errOdd)
		default:
			return strconv.Atoi(req)
		}
	}
	conntest.TestCaller(t, conntest.CallerHarness[string, int]{
		New:      func(testing.TB) connector.Caller[string, int] { return memory.NewCaller(length) },
		Request:  strconv.Itoa,
		Reply:    func(i int) int { return i },
		Slow:     func() string { return "slow" },
		Edges:    []conntest.Exchange[string, int]{{Request: "-1", Reply: -1}, {Request: strings.Repeat("0", 1<<20) + "7", Reply: 7}},
		Failures: []conntest.Failure[string]{{Name: "odd", Request: "odd", Class: connector.ClassPermanent}},
		Virtual:  true,
	})
}

func TestStoreConformance(t *testing.T) {
	t.Parallel()
	for name, virtual := range map[string]bool{"virtual": true, "real time": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conntest.TestStore(t, conntest.StoreHarness{
				New:     func(testing.TB) connector.Store { return memory.NewStore() },
				Reopen:  func(_ testing.TB, store connector.Store) connector.Store { return store },
				Virtual: virtual,
			})
		})
	}
}
