package memory_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
)

func partitioned(t *testing.T) (*memory.Source[string], connector.Reader[string]) {
	t.Helper()
	source := memory.NewFeed[string]()
	source.Declare(connector.Capabilities{Returns: true, Partitioned: true})
	source.SendTo("a", "1", "2")
	source.SendTo("b", "3", "4")
	reader, err := source.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	return source, reader
}

func TestRevokeNeedsPartitioned(t *testing.T) {
	t.Parallel()
	if err := memory.NewSource("1").Revoke(t.Context(), "memory"); connector.ClassOf(err) != connector.ClassPermanent {
		t.Errorf("got %v", err)
	}
}

// A message that the consumer left in flight is lost to it, and the error says so.
func TestRevokeFindsWhatIsInFlight(t *testing.T) {
	t.Parallel()
	errLate := errors.New("late")
	for name, test := range map[string]struct {
		wait func(context.Context, []string) error
		want string
	}{
		"no function":       {nil, `memory: revoke ["a"]: 2 messages are still in flight`},
		"function is wrong": {func(context.Context, []string) error { return nil }, `memory: revoke ["a"]: 2 messages are still in flight`},
		"function fails":    {func(context.Context, []string) error { return errLate }, `memory: revoke ["a"]: late`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, reader := partitioned(t)
			reader.(connector.Revoker).OnRevoke(test.wait)
			messages, err := reader.Read(t.Context(), 10)
			if err != nil || len(messages) != 4 {
				t.Fatal(messages, err)
			}
			if err := source.Revoke(t.Context(), "a"); err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if n := source.InFlight(); n != 2 {
				t.Errorf("%d in flight, want the 2 of partition b", n)
			}
			late := connector.Settlement{Position: messages[0].Position(), Outcome: connector.Delivered}
			if err := reader.Settle(t.Context(), []connector.Settlement{late}); err != nil || len(source.Settled()) != 0 {
				t.Errorf("a late settlement: %v, recorded %v", err, source.Settled())
			}
			source.Assign("a")
			again, err := reader.Read(t.Context(), 10)
			if err != nil || len(again) != 2 || again[0].ID() != "a:1" || again[0].Attempt() != 2 {
				t.Errorf("came again: %v, %v", again, err)
			}
		})
	}
}

// What is sent to a partition that is away waits for it, and does not hold the end back.
func TestRevokedPartitionIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source, reader := partitioned(t)
		if err := source.Revoke(t.Context(), "a", "b"); err != nil {
			t.Fatal(err)
		}
		source.SendTo("a", "5")
		source.Finish()
		if messages, err := reader.Read(t.Context(), 10); len(messages) > 0 || !errors.Is(err, io.EOF) {
			t.Errorf("got %v, %v", messages, err)
		}
		if source.Left() != 5 {
			t.Errorf("%d left", source.Left())
		}
		source.Assign("a")
		next, err := source.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		messages, err := next.Read(t.Context(), 10)
		var got []string
		for _, m := range messages {
			got = append(got, m.Value)
		}
		if err != nil || !slices.Equal(got, []string{"1", "2", "5"}) {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

func ExampleSource_Revoke() {
	source := memory.NewSource[string]()
	source.Declare(connector.Capabilities{Returns: true, Partitioned: true})
	source.SendTo("north", "order 1")
	source.SendTo("south", "order 2")
	ctx := context.Background()
	reader, err := source.Open(ctx)
	if err != nil {
		fmt.Println(err)

		return
	}
	defer reader.Close()
	messages, err := reader.Read(ctx, 10)
	if err != nil {
		fmt.Println(err)

		return
	}
	// What a pipeline does: it lets the partition go when its messages have their outcome.
	reader.(connector.Revoker).OnRevoke(func(ctx context.Context, partitions []string) error {
		fmt.Println("settle", partitions)

		return reader.Settle(ctx, []connector.Settlement{{Position: messages[1].Position(), Outcome: connector.Delivered}})
	})
	fmt.Println(source.Revoke(ctx, "south"), source.InFlight())
	// Output:
	// settle [south]
	// <nil> 1
}
