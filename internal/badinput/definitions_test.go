package badinput_test

import (
	"context"
	"errors"
	"testing"

	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// TestDefinitions makes pipelines that are wrong: Run says so before anything happens.
func TestDefinitions(t *testing.T) {
	source := func() *memory.Source[int] { return memory.NewSource(1) }
	for _, test := range []struct {
		name     string
		pipeline *flow.Pipeline
		mentions []string
	}{
		{
			"a nil function",
			flow.New("p", flow.From(source()).Map((func(context.Context, int) (int, error))(nil)).As("price").To(memory.NewSink[int]())),
			[]string{"p", "price", "definitions_test.go", "nil"},
		},
		{
			"a name twice",
			flow.New("p", flow.From(source()).
				Map(flow.Pure(func(n int) int { return n })).As("price").
				Filter(func(int) bool { return true }).As("price").
				To(memory.NewSink[int]())),
			[]string{"price", "taken", "definitions_test.go"},
		},
		{"no end", flow.New("p"), []string{"p", "no end"}},
		{"a zero end", flow.New("p", flow.End{}), []string{"zero End"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.pipeline.Run(t.Context())
			if _, ok := errors.AsType[*flow.DefinitionError](err); !ok {
				t.Fatalf("got %v, want a *flow.DefinitionError", err)
			}
			mentions(t, "the error", err, test.mentions)
			balanced(t, test.pipeline)
		})
	}
}
