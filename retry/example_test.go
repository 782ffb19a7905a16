package retry_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/retry"
)

func ExamplePolicy_Do() {
	policy := retry.Policy{Attempts: 4, Initial: time.Millisecond}
	attempts := 0
	err := policy.Do(context.Background(), func(context.Context) error {
		if attempts++; attempts < 3 {
			return errors.New("connection refused")
		}

		return nil
	})
	fmt.Println(attempts, err)
	// Output: 3 <nil>
}

func ExamplePolicy_Value() {
	var policy retry.Policy
	price, err := policy.Value(context.Background(), func(context.Context) (int, error) {
		return 0, connector.Permanent(errors.New("no such article"))
	})
	fmt.Println(price, err)
	// Output: 0 no such article
}

func ExamplePolicy_Next() {
	policy := retry.Policy{Attempts: 3, NoJitter: true}
	for attempt := 1; ; attempt++ {
		delay, again := policy.Next(attempt, 0, errors.New("busy"))
		if !again {
			break
		}
		fmt.Println(delay)
	}
	// Output:
	// 100ms
	// 200ms
}

func ExamplePolicy_Delay() {
	policy := retry.Policy{NoJitter: true}
	fmt.Println(policy.Delay(1, errors.New("busy")))
	fmt.Println(policy.Delay(1, connector.Throttled(errors.New("busy"), 3*time.Second)))
	// Output:
	// 100ms
	// 3s
}

func ExamplePolicy_Validate() {
	fmt.Println(retry.Policy{Attempts: -1, Multiplier: 0.5}.Validate())
	// Output:
	// retry: Attempts is -1: want 1 or more, or 0 for 3
	// retry: Multiplier is 0.5: want 1 or more
}

func ExamplePolicy_Retryable() {
	timeout := connector.Ambiguous(errors.New("no reply"))
	fmt.Println(retry.Policy{}.Retryable(timeout), retry.Policy{Idempotent: true}.Retryable(timeout))
	// Output: false true
}
