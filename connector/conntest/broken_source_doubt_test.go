package conntest_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/memory"
)

// haunted hands messages out again when repeat says so of a settlement. done tells whether
// its message was settled before, last is the one that was delivered last.
func haunted(repeat func(list []settlement, i int, done bool) bool, last bool) func(*testing.T) {
	return spoiled(func(r *reader) {
		read, settle := r.read, r.settle
		seen, done := map[connector.Position]message{}, map[connector.Position]bool{}
		var again []message
		var latest message
		r.read = func(ctx context.Context, limit int) ([]message, error) {
			if len(again) > 0 {
				list := again
				again = nil

				return list, nil
			}
			list, err := read(ctx, limit)
			for _, m := range list {
				seen[m.Position()] = connector.NewMessage(m.Value, m.Fields())
			}

			return list, err
		}
		r.settle = func(ctx context.Context, list []settlement) error {
			for i, s := range list {
				switch {
				case repeat(list, i, done[s.Position]) && last && latest.Meta != nil:
					again = append(again, latest)
				case repeat(list, i, done[s.Position]) && !last:
					again = append(again, seen[s.Position])
				}
				if s.Outcome == connector.Delivered {
					done[s.Position], latest = true, seen[s.Position]
				}
			}

			return settle(ctx, list)
		}
	})
}

func doubtfulSources() map[string]broken {
	return map[string]broken{
		"believes the last settlement": {haunted(func(list []settlement, i int, done bool) bool {
			return done && list[i].Outcome == connector.Returned
		}, false), failed("settle/twice with another outcome")},
		"repeats what is named twice": {haunted(func(list []settlement, i int, _ bool) bool {
			return i > 0 && list[i] == list[i-1]
		}, false), failed("settle/twice in one call")},
		"repeats others with what failed": {haunted(func(list []settlement, i int, _ bool) bool {
			return list[i].Outcome == connector.Returned
		}, true), failed("return/one of several fails")},
		"panics after Close": {spoiled(func(r *reader) {
			inner := r.close
			r.close = func() error {
				r.settle = func(context.Context, []settlement) error { panic("use of a closed reader") }

				return inner()
			}
		}), "use of a closed reader"},
		"drops empty values": {spoiled(func(r *reader) {
			inner := r.read
			r.read = func(ctx context.Context, limit int) ([]message, error) {
				list, err := inner(ctx, limit)

				return slices.DeleteFunc(list, func(m message) bool { return m.Value == "" }), err
			}
		}), failed("edge/values")},
		"takes back without saying so": {func(t *testing.T) {
			test(t, false, true, func(values []string) connector.Source[string] {
				return source{Source: memory.NewSource(values...), caps: &connector.Capabilities{Name: "quiet"}}
			})
		}, failed("return/none: stays away until Close")},
		"counts the first return alone": {edited(func(_ int, f connector.Fields) connector.Fields {
			f.Attempt = min(f.Attempt, 2)

			return f
		}), failed("return/attempts count up")},
		"loses what was stopped": {settled(func(s settlement) settlement {
			if errors.Is(s.Cause, connector.ErrStopped) {
				s.Outcome = connector.Delivered
			}

			return s
		}), failed("stop/what was read goes back untried")},
		"forgets one in work at a crash": {lastingTest(func(values []string) []string { return slices.Concat(values[:1], values[2:]) }),
			failed("kill/between work and settlement")},
		"forgets the last at a crash": {lastingTest(func(values []string) []string { return values[:len(values)-1] }), failed("kill/what was not read comes")},
		"needs a Reopen": {func(t *testing.T) {
			test(t, false, true, func(values []string) connector.Source[string] { return lastingSource{fresh{values}} })
		}, "so the harness needs Reopen"},
		"needs a Feed": {func(t *testing.T) {
			test(t, false, true, func(values []string) connector.Source[string] {
				return source{Source: memory.NewSource(values...), caps: &connector.Capabilities{Name: "answers", Answers: true}}
			})
		}, "needs Feed in the harness"},
	}
}

// lastingSource is read from its start by every Open, like a file.
type lastingSource struct{ fresh }

func (lastingSource) Describe() connector.Capabilities {
	return connector.Capabilities{Name: "lasting", Durable: true}
}

// Open hides that the messages would be taken back.
func (l lastingSource) Open(ctx context.Context) (connector.Reader[string], error) {
	inner := memory.NewSource(l.values...)
	inner.Declare(connector.Capabilities{})

	return inner.Open(ctx)
}

func lastingTest(crash func(values []string) []string) func(*testing.T) {
	return func(t *testing.T) {
		conntest.TestSource(t, conntest.SourceHarness[string]{
			New: func(_ testing.TB, values []string) connector.Source[string] { return lastingSource{fresh{values}} },
			Reopen: func(_ testing.TB, old connector.Source[string]) connector.Source[string] {
				return lastingSource{fresh{crash(old.(lastingSource).values)}}
			},
			Value: strconv.Itoa, Virtual: true,
		})
	}
}

// TestLastingSourceThatWorks shows that the source is right but for its defect.
func TestLastingSourceThatWorks(t *testing.T) {
	lastingTest(func(values []string) []string { return values })(t)
}
