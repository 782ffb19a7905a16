package memory_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
)

func open[T any](t *testing.T, source *memory.Source[T]) connector.Reader[T] {
	t.Helper()
	reader, err := source.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	return reader
}

func read[T any](t *testing.T, reader connector.Reader[T], limit int) []connector.Message[T] {
	t.Helper()
	messages, err := reader.Read(t.Context(), limit)
	if err != nil {
		t.Fatal(err)
	}

	return messages
}

func end[T any](t *testing.T, reader connector.Reader[T], outcome connector.Outcome, m connector.Message[T]) error {
	t.Helper()

	return reader.Settle(t.Context(), []connector.Settlement{{Position: m.Position(), Outcome: outcome}})
}

func TestSourceRecords(t *testing.T) {
	source := memory.NewSource("a", "b", "c", "d")
	reader := open(t, source)
	messages := read(t, reader, 3)
	for i, outcome := range []connector.Outcome{connector.Delivered, connector.Filtered, connector.Returned} {
		if err := end(t, reader, outcome, messages[i]); err != nil {
			t.Fatal(err)
		}
		if got := source.Outcome(messages[i].ID()); got != outcome {
			t.Errorf("outcome %s, want %s", got, outcome)
		}
	}
	if source.Left() != 2 || source.InFlight() != 0 || len(source.Settled()) != 3 || source.Count(connector.Returned) != 1 {
		t.Errorf("%d left, %d in flight, settled %v", source.Left(), source.InFlight(), source.Settled())
	}
	again := read(t, reader, 1)
	if again[0].ID() != "memory:3" || source.Attempts("memory:3") != 2 || source.Outcome("memory:3") != connector.Pending {
		t.Errorf("%s came, attempt %d", again[0].ID(), source.Attempts("memory:3"))
	}
	if source.InFlight() != 1 || source.Opens() != 1 || source.Attempts("nobody") != 0 {
		t.Errorf("%d in flight, %d opens", source.InFlight(), source.Opens())
	}
}

func TestSourceKeepsMetadata(t *testing.T) {
	source := memory.NewFeed[string]()
	meta := connector.MakeMeta(connector.Fields{
		ID: "order-7", Key: "k", Time: time.Unix(1, 0), Headers: map[string]string{"h": "v"},
		Position: connector.Position{Partition: "elsewhere", Offset: 9}, Attempt: 5,
	})
	source.SendMessages(connector.Message[string]{Meta: &meta, Value: "v"}, connector.Message[string]{Value: "bare"})
	meta = connector.Meta{} // belongs to the sender
	got := read(t, open(t, source), 2)
	if m := got[0]; m.ID() != "order-7" || m.Key() != "k" || m.Header("h") != "v" || !m.Time().Equal(time.Unix(1, 0)) {
		t.Errorf("got %+v", m.Fields())
	}
	if got[0].Position().String() != "memory:1" || got[0].Attempt() != 1 || got[1].ID() != "memory:2" {
		t.Errorf("got %+v and %+v", got[0].Fields(), got[1].Fields())
	}
	if source.Attempts("order-7") != 1 {
		t.Error("the message is not found by its ID")
	}
}

func TestSourceScripts(t *testing.T) {
	source := memory.NewSource(1, 2, 3)
	source.ScriptOpen(memory.Fail(errDown))
	source.ScriptRead(memory.Fail(errDown), memory.PassThenFail(errLost))
	source.ScriptSettle(memory.Fail(errDown), memory.PassThenFail(errLost))
	if _, err := source.Open(t.Context()); !errors.Is(err, errDown) || source.Opens() != 0 {
		t.Errorf("Open: %v", err)
	}
	reader := open(t, source)
	if got, err := reader.Read(t.Context(), 1); len(got) != 0 || !errors.Is(err, errDown) {
		t.Errorf("Read: %v, %v", got, err)
	}
	messages, err := reader.Read(t.Context(), 1)
	if len(messages) != 1 || !errors.Is(err, errLost) {
		t.Fatalf("Read: %v, %v: want a message with an error", messages, err)
	}
	if err := end(t, reader, connector.Delivered, messages[0]); !errors.Is(err, errDown) || len(source.Settled()) != 0 {
		t.Errorf("Settle: %v, %v", err, source.Settled())
	}
	if err := end(t, reader, connector.Delivered, messages[0]); !errors.Is(err, errLost) || len(source.Settled()) != 1 {
		t.Errorf("Settle: %v, %v", err, source.Settled())
	}
	if err := end(t, reader, connector.Delivered, messages[0]); err != nil || len(source.Settled()) != 1 {
		t.Errorf("Settle: %v, %v: want it to count once", err, source.Settled())
	}
}

func TestFeedWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewFeed(1)
		reader := open(t, source)
		time.AfterFunc(time.Second, func() { source.Send(2, 3) })
		time.AfterFunc(2*time.Second, source.Finish)
		start := time.Now()
		got := append(read(t, reader, 10), read(t, reader, 10)...)
		if len(got) != 3 || time.Since(start) != time.Second {
			t.Errorf("%d messages after %v", len(got), time.Since(start))
		}
		if _, err := reader.Read(t.Context(), 1); !errors.Is(err, io.EOF) || time.Since(start) != 2*time.Second {
			t.Errorf("error %v after %v", err, time.Since(start))
		}
		source.Send(4)
		if _, err := reader.Read(t.Context(), 1); !errors.Is(err, io.EOF) {
			t.Errorf("error %v: want io.EOF to stay", err)
		}
		if got := read(t, open(t, source), 1); got[0].Value != 4 {
			t.Errorf("the next reader got %v", got[0].Value)
		}
	})
}

func TestHoldEOF(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, hold := range []bool{false, true} {
			source := memory.NewSource(1)
			if hold {
				source.HoldEOF()
			}
			reader := open(t, source)
			message := read(t, reader, 1)[0]
			start := time.Now()
			time.AfterFunc(time.Second, func() {
				if err := end(t, reader, connector.Delivered, message); err != nil {
					t.Error(err)
				}
			})
			_, err := reader.Read(t.Context(), 1)
			if waited := time.Since(start) == time.Second; !errors.Is(err, io.EOF) || waited != hold {
				t.Errorf("hold %v: error %v after %v", hold, err, time.Since(start))
			}
			time.Sleep(2 * time.Second)
		}
	})
}

func TestOrderedSourceRefusesAGap(t *testing.T) {
	source := memory.NewSource(1, 2, 3)
	source.Declare(connector.Capabilities{Ordered: true})
	reader := open(t, source)
	messages := read(t, reader, 3)
	if err := end(t, reader, connector.Delivered, messages[1]); connector.ClassOf(err) != connector.ClassPermanent {
		t.Errorf("error %v, want a permanent one", err)
	}
	for _, m := range messages {
		if err := end(t, reader, connector.Delivered, m); err != nil {
			t.Error(err)
		}
	}
	if source.Left() != 0 {
		t.Errorf("%d left", source.Left())
	}
}

func TestSourceRefusesNonsense(t *testing.T) {
	reader := open(t, memory.NewSource(1, 2))
	message := read(t, reader, 1)[0]
	strange := connector.NewMessage(1, connector.Fields{Position: connector.Position{Partition: "x", Offset: 1}})
	early := connector.NewMessage(1, connector.Fields{Position: connector.Position{Partition: "memory", Offset: 2}})
	_, none := reader.Read(t.Context(), 0)
	for name, err := range map[string]error{
		"pending":            end(t, reader, connector.Pending, message),
		"another's position": end(t, reader, connector.Delivered, strange),
		"not handed out":     end(t, reader, connector.Delivered, early),
		"read of none":       none,
	} {
		if connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("%s: error %v, want a permanent one", name, err)
		}
	}
}

func TestClosedReader(t *testing.T) {
	source := memory.NewSource(1)
	reader := open(t, source)
	message := read(t, reader, 1)[0]
	for range 2 {
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := reader.Read(t.Context(), 1); !errors.Is(err, connector.ErrClosed) {
		t.Errorf("error %v", err)
	}
	if err := end(t, reader, connector.Delivered, message); err != nil || source.Left() != 1 {
		t.Errorf("error %v, %d left: a closed reader owns nothing", err, source.Left())
	}
}

func TestCloseWakesRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := open(t, memory.NewFeed[int]())
		time.AfterFunc(time.Second, func() { _ = reader.Close() })
		if _, err := reader.Read(context.Background(), 1); !errors.Is(err, connector.ErrClosed) {
			t.Errorf("error %v", err)
		}
	})
}

func TestExtendIsRecorded(t *testing.T) {
	source := memory.NewSource(1, 2)
	source.Declare(connector.Capabilities{Lease: time.Minute})
	reader := open(t, source)
	message := read(t, reader, 1)[0]
	extender, ok := reader.(connector.Extender)
	if !ok {
		t.Fatal("the reader is no Extender")
	}
	if err := extender.Extend(t.Context(), []connector.Position{message.Position()}); err != nil {
		t.Error(err)
	}
	if got := source.Extended(); !slices.Equal(got, []connector.Position{message.Position()}) {
		t.Errorf("extended %v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := extender.Extend(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if err := extender.Extend(t.Context(), []connector.Position{{}}); connector.ClassOf(err) != connector.ClassPermanent {
		t.Errorf("error %v", err)
	}
}

// TestOrderedLease loses a lease in the middle of the order.
func TestOrderedLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewSource(1, 2)
		source.Declare(connector.Capabilities{Ordered: true, Returns: true, Lease: time.Minute})
		reader := open(t, source)
		first := read(t, reader, 1)
		time.Sleep(time.Minute)
		again := read(t, reader, 2)
		if len(again) != 2 || again[0].ID() != first[0].ID() || again[0].Attempt() != 2 {
			t.Fatalf("got %d messages, the first %s", len(again), again[0].ID())
		}
		for _, m := range again {
			if err := end(t, reader, connector.Delivered, m); err != nil {
				t.Error(err)
			}
		}
		if source.Left() != 0 {
			t.Errorf("%d left", source.Left())
		}
	})
}

func BenchmarkSource(b *testing.B) {
	source := memory.NewSource(make([]int, b.N)...)
	reader, err := source.Open(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var settlements []connector.Settlement
	b.ReportAllocs()
	for b.ResetTimer(); err == nil; {
		var messages []connector.Message[int]
		messages, err = reader.Read(b.Context(), 128)
		settlements = settlements[:0]
		for _, m := range messages {
			settlements = append(settlements, connector.Settlement{Position: m.Position(), Outcome: connector.Delivered})
		}
		if err := reader.Settle(b.Context(), settlements); err != nil {
			b.Fatal(err)
		}
	}
	if source.Left() != 0 {
		b.Errorf("%d left", source.Left())
	}
}
