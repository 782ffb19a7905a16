package flowtest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/flow/flowtest"
	"github.com/millrace-go/millrace/retry"
)

// payment is what the flow under test moves.
type payment struct {
	Order string
	Cents int
}

// billing is the flow under test: every payment is booked or rejected.
func billing(
	payments connector.Source[payment], rejected connector.Sink[connector.DeadLetter[payment]],
	seen connector.Store, ledger connector.Sink[payment],
) *flow.Pipeline {
	return flow.New("billing", flow.From(payments).DeadLetter(rejected).
		OncePerMessage(seen, 24*time.Hour).
		Validate(func(p payment) error {
			if p.Cents <= 0 {
				return errors.New("no amount")
			}

			return nil
		}).
		Batch(3, time.Second).To(flow.Into(ledger).Timeout(10*time.Second).Retry(retry.Policy{})))
}

// This is a test of a user's own flow.
func TestBillingLosesNothing(t *testing.T) {
	flowtest.Sim(t, func(w *flowtest.World) *flow.Pipeline {
		payments := w.Source("payments", payment{"A", 500}, payment{"B", -1}, payment{"C", 700}, payment{"D", 900})
		ledger, rejected := w.Sink[payment]("ledger"), w.Sink[connector.DeadLetter[payment]]("rejected")
		w.Check("no money is lost", func() error { return booked(ledger, rejected, "A", "B", "C", "D") })

		return billing(payments, rejected, w.Store("seen"), ledger)
	}, flowtest.SimOptions{})
}

// booked returns an error unless every order is in the ledger or was rejected.
func booked(ledger *flowtest.SimSink[payment], rejected *flowtest.SimSink[connector.DeadLetter[payment]], orders ...string) error {
	found := make(map[string]bool)
	for _, p := range ledger.Values() {
		found[p.Order] = true
	}
	for _, d := range rejected.Values() {
		found[d.Value.Order] = true
	}
	var errs []error
	for _, o := range orders {
		if !found[o] {
			errs = append(errs, fmt.Errorf("order %s is nowhere", o))
		}
	}

	return errors.Join(errs...)
}

func ExampleSim() {
	// This is the body of a func TestCopy(t *testing.T).
	asTest(func(t *testing.T) {
		flowtest.Sim(t, func(w *flowtest.World) *flow.Pipeline {
			orders, invoices := w.Source("orders", 1, 2, 3), w.Sink[int]("invoices")
			w.Check("each order is there", func() error {
				if n := len(invoices.Values()); n < 3 {
					return fmt.Errorf("%d invoices, want at least 3", n)
				}

				return nil
			})

			return flow.New("copy", flow.From(orders).To(invoices))
		}, flowtest.SimOptions{Schedules: 50})
		fmt.Println("passed:", !t.Failed())
	})
	// Output: passed: true
}

func ExampleCrash() {
	asTest(func(t *testing.T) {
		flowtest.Crash(t, func(w *flowtest.World) *flow.Pipeline {
			orders, invoices := w.Source("orders", 1, 2, 3), w.Sink[int]("invoices")

			return flow.New("copy", flow.From(orders).Batch(2, time.Second).To(invoices))
		})
		fmt.Println("passed:", !t.Failed())
	})
	// Output: passed: true
}

func ExampleWorld_Do() {
	asTest(func(t *testing.T) {
		flowtest.Sim(t, func(w *flowtest.World) *flow.Pipeline {
			send := func(ctx context.Context, n int) error {
				return w.Do(ctx, "mail", func(context.Context) error { return nil })
			}

			return flow.New("mails", flow.From(w.Source("orders", 1, 2)).ForEach(send))
		}, flowtest.SimOptions{Schedules: 50, Without: flowtest.Crashing | flowtest.Stopping})
		fmt.Println("passed:", !t.Failed())
	})
	// Output: passed: true
}
