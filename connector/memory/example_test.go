package memory_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
)

func ExampleNewSource() {
	ctx := context.Background()
	source := memory.NewSource("apples", "pears")
	reader, err := source.Open(ctx)
	if err != nil {
		fmt.Println(err)
	}
	messages, err := reader.Read(ctx, 10)
	for _, m := range messages {
		fmt.Println(m.ID(), m.Value, err)
	}
	err = reader.Settle(ctx, []connector.Settlement{
		{Position: messages[0].Position(), Outcome: connector.Delivered},
		{Position: messages[1].Position(), Outcome: connector.Returned},
	})
	fmt.Println(source.Outcome("memory:1"), source.Outcome("memory:2"), source.Left(), err)
	again, err := reader.Read(ctx, 10)
	fmt.Println(again[0].Value, "attempt", again[0].Attempt(), err)
	// Output:
	// memory:1 apples <nil>
	// memory:2 pears <nil>
	// delivered returned 1 <nil>
	// pears attempt 2 <nil>
}

func ExampleNewFeed() {
	ctx := context.Background()
	source := memory.NewFeed[int]()
	reader, err := source.Open(ctx)
	if err != nil {
		fmt.Println(err)
	}
	time.AfterFunc(time.Millisecond, func() {
		source.Send(1, 2)
		source.Finish()
	})
	messages, err := reader.Read(ctx, 10) // waits
	fmt.Println(len(messages), err)
	_, err = reader.Read(ctx, 10)
	fmt.Println(err)
	// Output:
	// 2 <nil>
	// EOF
}

func ExampleNewSink() {
	ctx := context.Background()
	sink := memory.NewSink[string]()
	sink.Script(memory.Fail(errors.New("down")), memory.PassThenFail(errors.New("reply lost")))
	for _, value := range []string{"a", "b", "c"} {
		message := connector.NewMessage(value, connector.Fields{ID: value})
		fmt.Println(sink.Write(ctx, []connector.Message[string]{message}))
	}
	fmt.Println(sink.Values())
	// Output:
	// down
	// reply lost
	// <nil>
	// [b c]
}

func ExampleSink_FailWhen() {
	sink := memory.NewSink[int]()
	sink.FailWhen(func(n int) error {
		if n < 0 {
			return connector.Permanent(errors.New("negative"))
		}

		return nil
	})
	err := sink.Write(context.Background(), []connector.Message[int]{{Value: 1}, {Value: -2}, {Value: 3}})
	fmt.Println(err)
	fmt.Println(sink.Values())
	// Output:
	// partial write: 2 accepted, 1 failed, 0 unclear, 0 not attempted: first cause: negative
	// [1 3]
}

func ExampleNewCaller() {
	prices := memory.NewCaller(func(_ context.Context, article string) (int, error) {
		return len(article) * 100, nil
	})
	prices.Script(memory.Fail(errors.New("timeout")))
	for range 2 {
		price, err := prices.Call(context.Background(), "pear")
		fmt.Println(price, err)
	}
	fmt.Println(prices.Requests())
	// Output:
	// 0 timeout
	// 400 <nil>
	// [pear pear]
}

func ExampleNewStore() {
	ctx := context.Background()
	store := memory.NewStore()
	claim, err := store.Claim(ctx, "order-7", time.Minute)
	fmt.Println(claim.Key, err)
	fmt.Println(store.Confirm(ctx, 0, claim))
	_, err = store.Claim(ctx, "order-7", time.Minute)
	fmt.Println(err)
	// Output:
	// order-7 <nil>
	// <nil>
	// connector: key "order-7" is confirmed already
}

func ExampleStore_Script() {
	ctx := context.Background()
	store := memory.NewStore()
	store.Script(memory.OpPut, memory.Pass(), memory.Fail(errors.New("disk full")).Times(2))
	for range 4 {
		_, err := store.Put(ctx, "k", nil, connector.Any, 0)
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// disk full
	// disk full
	// <nil>
}
