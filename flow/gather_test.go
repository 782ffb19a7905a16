package flow_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

// overview is what a Gather puts together.
type overview struct {
	Customer, Orders string
	Missing          error
	Order            []string
}

// lookup replies with its name after some time, or fails.
func lookup(name string, took time.Duration, err error) flow.Step[int, string] {
	return flow.Func(name, func(ctx context.Context, id int) (string, error) {
		select {
		case <-time.After(took):
		case <-ctx.Done():
			return "", ctx.Err()
		}

		return fmt.Sprintf("%s %d", name, id), err
	})
}

func putCustomer(v *overview, s string) {
	v.Customer = s
	v.Order = append(v.Order, "customer")
}

func putOrders(v *overview, s string, err error) {
	v.Orders, v.Missing = s, err
	v.Order = append(v.Order, "orders")
}

// TestGatherAsksAtOnce: the call takes as long as the slowest part, and the parts are put
// in the order in which they were added.
func TestGatherAsksAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		customer, orders := lookup("customer", 3*time.Second, nil), lookup("orders", time.Second, nil)
		s := flow.NewGather[int, overview]("view").Need(customer, putCustomer).Want(orders, putOrders).Step()
		began := time.Now()
		got, err := s.Call(t.Context(), 7)
		if err != nil || time.Since(began) != 3*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if want := "{customer 7 orders 7 <nil> [customer orders]}"; fmt.Sprint(got) != want {
			t.Errorf("view %v, want %s", got, want)
		}
		if s.Name() != "view" || s.Ledger() != (flow.CallLedger{Calls: 1, Replied: 1}) || customer.Ledger().Replied != 1 || orders.Ledger().Replied != 1 {
			t.Errorf("step %s, ledgers %+v, %+v, %+v", s.Name(), s.Ledger(), customer.Ledger(), orders.Ledger())
		}
	})
}

// TestGatherNeed: its failure cancels the others and fails the call, once all have ended.
func TestGatherNeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		customer, orders := lookup("customer", time.Second, connector.Permanent(errBad)), lookup("orders", time.Hour, nil)
		slow := flow.Func("slow", func(ctx context.Context, _ int) (string, error) {
			<-ctx.Done()
			time.Sleep(time.Second) // it takes its time to end

			return "", ctx.Err()
		})
		put := 0
		s := flow.NewGather[int, overview]("view").
			Want(orders, func(*overview, string, error) { put++ }).
			Need(slow, func(*overview, string) { put++ }).
			Need(customer, putCustomer).Step()
		began := time.Now()
		got, err := s.Call(t.Context(), 7)
		if !errors.Is(err, errBad) || !strings.Contains(err.Error(), "step customer") || time.Since(began) != 2*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if put != 0 || fmt.Sprint(got) != fmt.Sprint(overview{}) {
			t.Errorf("%d parts were put into %v", put, got)
		}
		if s.Ledger().Rejected != 1 {
			t.Errorf("ledger %+v", s.Ledger())
		}
	})
}

// TestGatherWant: its failure is put, and fails nothing.
func TestGatherWant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := flow.NewGather[int, overview]("view").
			Want(lookup("orders", time.Second, errBad), putOrders).
			Need(lookup("customer", 3*time.Second, nil), putCustomer).Step()
		got, err := s.Call(t.Context(), 7)
		if err != nil || got.Customer != "customer 7" || got.Orders != "" || !errors.Is(got.Missing, errBad) {
			t.Errorf("view %+v, error %v", got, err)
		}
	})
	bubble(t, "each with its time-out", func(t *testing.T) {
		s := flow.NewGather[int, overview]("view").
			Want(lookup("orders", time.Hour, nil).Timeout(time.Second), putOrders).
			Need(lookup("customer", 0, nil), putCustomer).Step()
		began := time.Now()
		got, err := s.Call(t.Context(), 7)
		if err != nil || time.Since(began) != time.Second || !errors.Is(got.Missing, context.DeadlineExceeded) {
			t.Errorf("after %v: view %+v, error %v", time.Since(began), got, err)
		}
	})
}

// TestGatherCancelled: a caller who gives up ends every part.
func TestGatherCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		s := flow.NewGather[int, overview]("view").
			Need(lookup("customer", time.Hour, nil), putCustomer).Want(lookup("orders", time.Hour, nil), putOrders).Step()
		began := time.Now()
		if _, err := s.Call(ctx, 7); !errors.Is(err, context.Canceled) || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if got := s.Ledger(); got != (flow.CallLedger{Calls: 1, Cancelled: 1}) {
			t.Errorf("ledger %+v", got)
		}
	})
}

func TestGatherFailures(t *testing.T) {
	panicking := flow.Func("panics", func(context.Context, int) (string, error) { panic("boom") })
	exiting := flow.Func("exits", func(context.Context, int) (string, error) { runtime.Goexit(); return "", nil })
	fine := lookup("fine", 0, nil)
	tests := []struct {
		name   string
		gather flow.Gather[int, overview]
		want   string
	}{
		{"a panic of a part", flow.NewGather[int, overview]("view").Need(panicking, putCustomer), "step panics: panic: boom"},
		{"a panic of put", flow.NewGather[int, overview]("view").Need(fine, func(*overview, string) { panic("full") }), "panic: full"},
		{"a panic of a wanted put", flow.NewGather[int, overview]("view").Want(fine, func(*overview, string, error) { panic("full") }), "panic: full"},
		{"a part that ends its goroutine", flow.NewGather[int, overview]("view").Need(exiting, putCustomer), "runtime.Goexit"},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			s := test.gather.Step()
			if _, err := s.Call(t.Context(), 7); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if got := s.Ledger(); !got.Balanced() || got.InFlight != 0 || got.Replied != 0 {
				t.Errorf("ledger %+v", got)
			}
		})
	}
	bubble(t, "a wanted part that ends its goroutine", func(t *testing.T) {
		got, err := flow.NewGather[int, overview]("view").Want(exiting, putOrders).Step().Call(t.Context(), 7)
		if err != nil || got.Missing == nil {
			t.Errorf("view %+v, error %v", got, err)
		}
	})
}

// TestGatherIsImmutable: a part more leaves the Gather before as it was.
func TestGatherIsImmutable(t *testing.T) {
	base := flow.NewGather[int, overview]("view").Need(lookup("customer", 0, nil), putCustomer)
	one, two := base.Want(lookup("a", 0, nil), putOrders), base.Want(lookup("b", 0, errBad), putOrders)
	_ = base.Need(lookup("c", 0, nil), nil)
	for want, g := range map[string]flow.Gather[int, overview]{"": base, "a 7": one} {
		if got, err := g.Step().Call(t.Context(), 7); err != nil || got.Orders != want || got.Missing != nil {
			t.Errorf("view %+v, error %v, want orders %q", got, err, want)
		}
	}
	if got, err := two.Step().Call(t.Context(), 7); err != nil || got.Missing == nil {
		t.Errorf("view %+v, error %v", got, err)
	}
}
