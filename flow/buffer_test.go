package flow_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// TestBufferOverflow blocks the sink and sends more than the buffer has room for: one is
// with the sink, three wait, and the policy decides about the rest.
func TestBufferOverflow(t *testing.T) {
	tests := []struct {
		policy  flow.Overflow
		want    []int
		dropped int
	}{
		{flow.Block, numbers(10), 0},
		{flow.DropNewest, []int{1, 2, 3, 4}, 6},
		{flow.DropOldest, []int{1, 8, 9, 10}, 6},
	}
	for _, test := range tests {
		bubble(t, test.policy.String(), func(t *testing.T) {
			source, release := memory.NewFeed(1), make(chan struct{})
			var got []int
			p := start(t, flow.New("buffer", flow.From(source).Buffer(3, test.policy).As("queue").ForEach(func(_ context.Context, n int) error {
				<-release
				got = append(got, n)

				return nil
			})))
			source.Send(numbers(10)[1:]...)
			source.Finish()
			synctest.Wait()
			if n := source.Count(connector.Dropped); n != test.dropped {
				t.Errorf("%d are dropped, want %d", n, test.dropped)
			}
			for _, s := range source.Settled() {
				at, ok := errors.AsType[*flow.StageError](s.Cause)
				if !errors.Is(s.Cause, flow.ErrDropped) || !ok || at.Stage != "queue" {
					t.Errorf("dropped with the cause %v", s.Cause)
				}
			}
			close(release)
			if err := p.wait(); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
			wantLedger(t, p.Pipeline, flow.Line{In: 10, Delivered: int64(len(test.want)), Dropped: int64(test.dropped)}, flow.Line{})
			if in := p.Stats()[1].In; in != 10 {
				t.Errorf("the buffer counted %d messages, want 10", in)
			}
		})
	}
}

// TestBackPressure: a slow sink holds the source back at the bounds, one message never
// beyond them.
func TestBackPressure(t *testing.T) {
	for _, most := range []int{1, 7, 100} {
		bubble(t, fmt.Sprintf("MaxInFlight %d", most), func(t *testing.T) {
			source, release := memory.NewFeed(numbers(1000)...), make(chan struct{})
			a := audit(t, source)
			a.most = most
			p := start(t, flow.New("slow", flow.From(a).Buffer(2000, flow.Block).ForEach(func(context.Context, int) error {
				<-release

				return nil
			})).With(flow.Config{MaxInFlight: most}))
			if a.handed != most {
				t.Errorf("%d messages were handed out, want %d", a.handed, most)
			}
			close(release)
			source.Finish()
			if err := p.wait(); err != nil {
				t.Fatal(err)
			}
			a.ended()
		})
	}
}

func TestChunkBoundsARead(t *testing.T) {
	both(t, "chunk", func(t *testing.T, from func(connector.Source[int]) flow.Flow[int]) {
		source := memory.NewSource(numbers(100)...)
		a := audit(t, source)
		biggest := 0
		p := flow.New("chunk", from(&limited{audited: a, biggest: &biggest}).To(memory.NewSink[int]())).With(flow.Config{Chunk: 3})
		mustRun(t, p)
		if biggest != 3 {
			t.Errorf("a Read was asked for %d messages, want 3", biggest)
		}
	})
}

// limited notes the most that a Read is asked for.
type limited struct {
	*audited[int]

	biggest *int
}

func (l *limited) Open(ctx context.Context) (connector.Reader[int], error) {
	r, err := l.audited.Open(ctx)

	return &limitedReader{Reader: r, biggest: l.biggest}, err
}

type limitedReader struct {
	connector.Reader[int]

	biggest *int
}

func (l *limitedReader) Read(ctx context.Context, most int) ([]connector.Message[int], error) {
	*l.biggest = max(*l.biggest, most)

	return l.Reader.Read(ctx, most)
}
