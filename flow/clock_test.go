package flow_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// setBack runs one process, and a later one on a clock that was set back by seven hours.
func setBack(t *testing.T, before, after func(t *testing.T)) {
	t.Helper()
	bubble(t, "before", func(t *testing.T) {
		time.Sleep(7 * time.Hour)
		before(t)
	})
	bubble(t, "after", after) // every bubble begins at the same time
}

// TestDelayAfterTheClockIsSetBack: a message that was delayed by a process whose clock was
// hours ahead takes its whole delay once more at most, not hours.
func TestDelayAfterTheClockIsSetBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "later")
	run := func(t *testing.T, got *[]string, source connector.Source[int]) *running {
		t.Helper()
		q := durableQueue(t, path)
		t.Cleanup(func() { _ = q.Close() })

		return start(t, flow.New("delay", flow.From(source).Delay(q, func(int) time.Duration { return time.Minute }).
			Observe(passes(got)).To(memory.NewSink[int]())))
	}
	setBack(t, func(t *testing.T) {
		var got []string
		p := run(t, &got, memory.NewFeed(1))
		time.Sleep(time.Second)
		if _, err := p.stop(time.Second); err != nil || p.wait() != nil || len(got) > 0 {
			t.Errorf("%q went on, %v", got, err)
		}
	}, func(t *testing.T) {
		var got []string
		if err := run(t, &got, memory.NewSource[int]()).wait(); err != nil || strings.Join(got, " ") != "1@60000" {
			t.Errorf("messages went on as %q, %v; want after a minute", got, err)
		}
	})
}

// TestStoredGroupAfterTheClockIsSetBack: a group that got its messages when the clock was
// hours ahead is complete in its time all the same.
func TestStoredGroupAfterTheClockIsSetBack(t *testing.T) {
	for name, when := range map[string]flow.Completion{"idle": {Idle: time.Minute}, "interval": {Interval: time.Minute}} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "groups")
			run := func(t *testing.T, sink *memory.Sink[group], values ...int) {
				t.Helper()
				store, err := boltstore.Open(path, boltstore.Config{})
				if err != nil {
					t.Fatal(err)
				}
				p := start(t, flow.New("sums", flow.From(memory.NewFeed(values...)).KeyBy(parity).StoredIn(store).
					Aggregate(when, sumUp).As("groups").To(sink)))
				if len(values) == 0 {
					time.Sleep(2 * time.Minute)
				}
				if _, err := p.stop(time.Second); err != nil || p.wait() != nil || store.Close() != nil {
					t.Error(err)
				}
			}
			setBack(t, func(t *testing.T) {
				sink := memory.NewSink[group]()
				if run(t, sink, 1, 3); sink.Accepted() > 0 {
					t.Error("the group did not wait")
				}
			}, func(t *testing.T) {
				sink := memory.NewSink[group]()
				if run(t, sink); len(sink.Values()) != 1 || sink.Values()[0].Value != 4 {
					t.Errorf("groups %v, want one of both messages", sink.Values())
				}
			})
		})
	}
}
