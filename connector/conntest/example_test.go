package conntest_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/memory"
)

// The function is what a driver's test file has as TestConformance. A case that the sink
// declares nothing for is skipped, and says why.
func ExampleTestSink() {
	_ = func(t *testing.T) {
		conntest.TestSink(t, conntest.SinkHarness[string]{
			New: func(testing.TB) (connector.Sink[string], func(testing.TB) []string) {
				sink := memory.NewSink[string]()

				return sink, func(testing.TB) []string { return sink.Values() }
			},
			Value:   strconv.Itoa,
			Virtual: true,
		})
	}
}

func ExampleTestSource() {
	_ = func(t *testing.T) {
		conntest.TestSource(t, conntest.SourceHarness[string]{
			New: func(_ testing.TB, values []string) connector.Source[string] {
				return memory.NewSource(values...)
			},
			Value:   strconv.Itoa,
			Virtual: true,
		})
	}
}

func ExampleTestCaller() {
	_ = func(t *testing.T) {
		parse := func(_ context.Context, req string) (int, error) { return strconv.Atoi(req) }
		conntest.TestCaller(t, conntest.CallerHarness[string, int]{
			New:     func(testing.TB) connector.Caller[string, int] { return memory.NewCaller(parse) },
			Request: strconv.Itoa,
			Reply:   func(i int) int { return i },
			Virtual: true,
		})
	}
}

func ExampleTestStore() {
	_ = func(t *testing.T) {
		conntest.TestStore(t, conntest.StoreHarness{
			New:     func(testing.TB) connector.Store { return memory.NewStore() },
			Virtual: true,
		})
	}
}
