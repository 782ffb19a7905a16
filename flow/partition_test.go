package flow_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// partitions is a source with three messages in partition a and two in b, without an end.
func partitions() *memory.Source[int] {
	source := memory.NewFeed[int]()
	source.Declare(connector.Capabilities{Returns: true, Partitioned: true})
	source.SendTo("a", 1, 2, 3)
	source.SendTo("b", 4, 5)

	return source
}

// revoked takes a partition away and tells how long that took.
func revoked(t *testing.T, source *memory.Source[int], limit time.Duration, partition string) (time.Duration, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	start := time.Now()
	err := source.Revoke(ctx, partition)

	return time.Since(start), err
}

// TestRevocationWaits: a partition goes when what it handed out is settled, and not for
// what others handed out.
func TestRevocationWaits(t *testing.T) {
	bubble(t, "waits", func(t *testing.T) {
		source := partitions()
		r := start(t, flow.New("parts", flow.From(source).Unordered(5, func(f flow.Flow[int]) flow.Flow[int] {
			return f.Map(func(_ context.Context, n int) (int, error) {
				if n > 3 {
					time.Sleep(time.Hour)
				} else {
					time.Sleep(time.Minute)
				}

				return n, nil
			})
		}).To(memory.NewSink[int]())))
		if took, err := revoked(t, source, 10*time.Minute, "a"); err != nil || took != time.Minute {
			t.Errorf("partition a went after %v, %v", took, err)
		}
		for _, id := range []string{"a:1", "a:2", "a:3"} {
			if source.Outcome(id) != connector.Delivered {
				t.Errorf("%s is %s", id, source.Outcome(id))
			}
		}
		took, err := revoked(t, source, 10*time.Minute, "b")
		if !errors.Is(err, context.DeadlineExceeded) || took != 10*time.Minute {
			t.Errorf("partition b went after %v, %v", took, err)
		}
		source.Assign("b") // the two messages come again
		source.Finish()
		if err := r.wait(); err != nil {
			t.Error(err)
		}
		if l := r.Ledger().Source; l.In != 7 || l.Delivered != 7 {
			t.Errorf("ledger %v", l)
		}
	})
}

// TestRevocationLetsGo: what stages have collected does not keep a partition.
func TestRevocationLetsGo(t *testing.T) {
	for name, stage := range map[string]func(f flow.Flow[int]) flow.Flow[int]{
		"batch":          func(f flow.Flow[int]) flow.Flow[int] { return f.Batch(100, time.Hour).MapEach(sameAll) },
		"batch for ever": func(f flow.Flow[int]) flow.Flow[int] { return f.Batch(100, 0).MapEach(sameAll) },
		"behind others": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Parallel(2, nothing).Buffer(10, flow.Block).Batch(100, 0).MapEach(sameAll)
		},
		"in workers": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Unordered(2, func(f flow.Flow[int]) flow.Flow[int] { return f.Batch(100, 0).MapEach(sameAll) })
		},
	} {
		bubble(t, name, func(t *testing.T) {
			source := partitions()
			r := start(t, flow.New("parts", stage(flow.From(source)).To(memory.NewSink[int]())))
			if took, err := revoked(t, source, time.Minute, "a"); err != nil || took > 0 {
				t.Errorf("partition a went after %v, %v", took, err)
			}
			source.Finish()
			if err := r.wait(); err != nil {
				t.Error(err)
			}
			wantLedger(t, r.Pipeline, flow.Line{In: 5, Delivered: 5}, flow.Line{})
		})
	}
}

// TestRevocationLetsGoOnce: batches that begin after it wait for their count again.
func TestRevocationLetsGoOnce(t *testing.T) {
	bubble(t, "batch", func(t *testing.T) {
		source, sink := partitions(), memory.NewSink[int]()
		source.SendTo("a", 6) // waits with 5 for a full batch
		r := start(t, flow.New("parts", flow.From(source).Batch(4, 0).To(sink)))
		synctest.Wait()
		if took, err := revoked(t, source, time.Minute, "a"); err != nil || took > 0 {
			t.Errorf("partition a went after %v, %v", took, err)
		}
		source.SendTo("b", 7, 8)
		synctest.Wait()
		source.SendTo("b", 9, 10)
		source.Finish()
		if err := r.wait(); err != nil {
			t.Error(err)
		}
		if got := sink.Writes(); !slices.Equal(got, []int{4, 2, 4}) {
			t.Errorf("batches of %v, want 4 that are full, 2 that the partition waited for, 4 that are full", got)
		}
	})
}

// TestRevocationDoesNotFailGroups: a group in memory that is not complete keeps its
// partition until the time that the driver gives; its messages go elsewhere then, but do
// not fail.
func TestRevocationDoesNotFailGroups(t *testing.T) {
	bubble(t, "group", func(t *testing.T) {
		source := partitions()
		r := start(t, flow.New("parts", flow.From(source).KeyBy(byOne).Aggregate(flow.Completion{Count: 6}, sumUp).
			To(memory.NewSink[group]())))
		if took, err := revoked(t, source, time.Minute, "a"); !errors.Is(err, context.DeadlineExceeded) || took != time.Minute {
			t.Errorf("partition a went after %v, %v", took, err)
		}
		source.Finish()
		if err := r.wait(); err != nil {
			t.Error(err)
		}
		if l := r.Ledger().Source; l.DeadLettered+l.Returned > 0 || !l.Balanced() {
			t.Errorf("ledger %v", l)
		}
	})
}

// TestRevocationWhileStopping: a stop that is under way ends the wait.
func TestRevocationWhileStopping(t *testing.T) {
	bubble(t, "stop", func(t *testing.T) {
		source := partitions()
		r := start(t, flow.New("parts", flow.From(source).Map(func(ctx context.Context, n int) (int, error) {
			<-ctx.Done()

			return n, ctx.Err()
		}).Batch(10, 0).To(memory.NewSink[int]())))
		gone := make(chan error)
		go func() { gone <- source.Revoke(t.Context(), "a") }()
		synctest.Wait()
		if _, err := r.stop(time.Second); err != nil {
			t.Error(err)
		}
		if err := <-gone; err != nil {
			t.Error(err)
		}
		_ = r.wait()
	})
}
