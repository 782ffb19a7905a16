package connector_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
)

var errDown = errors.New("down")

func TestClassOf(t *testing.T) {
	for _, test := range []struct {
		err  error
		want connector.Class
	}{
		{nil, connector.ClassUnknown},
		{errDown, connector.ClassUnknown},
		{connector.Permanent(errDown), connector.ClassPermanent},
		{connector.Transient(errDown), connector.ClassTransient},
		{connector.Throttled(errDown, time.Second), connector.ClassThrottled},
		{connector.Ambiguous(errDown), connector.ClassAmbiguous},
		{fmt.Errorf("call: %w", context.DeadlineExceeded), connector.ClassAmbiguous},
		{context.Canceled, connector.ClassUnknown},
		{connector.Transient(context.DeadlineExceeded), connector.ClassTransient},
		{fmt.Errorf("a: %w", connector.Permanent(connector.Transient(errDown))), connector.ClassPermanent},
		{&connector.PartialError{Members: []connector.Member{
			{Fate: connector.Accepted}, {Fate: connector.Failed, Err: connector.Permanent(errDown)},
		}}, connector.ClassPermanent},
	} {
		if got := connector.ClassOf(test.err); got != test.want {
			t.Errorf("ClassOf(%v) = %v, want %v", test.err, got, test.want)
		}
	}
}

func TestNilStaysNil(t *testing.T) {
	for _, err := range []error{
		connector.Permanent(nil), connector.Transient(nil), connector.Ambiguous(nil), connector.Throttled(nil, 1),
	} {
		if err != nil {
			t.Errorf("a classified nil is %v", err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	after, ok := connector.RetryAfter(fmt.Errorf("a: %w", connector.Throttled(errDown, 3*time.Second)))
	if !ok || after != 3*time.Second {
		t.Errorf("RetryAfter = %v, %v", after, ok)
	}
	if _, ok := connector.RetryAfter(connector.Transient(errDown)); ok {
		t.Error("a transient error asks to wait")
	}
}

func TestPartialErrorCountsAndUnwraps(t *testing.T) {
	err := connector.NewPartialError(4)
	err.Members[0] = connector.Member{Fate: connector.Accepted}
	err.Members[1] = connector.Member{Fate: connector.Failed, Err: errDown}
	err.Members[2] = connector.Member{Fate: connector.Unclear}
	if want := "1 accepted, 1 failed, 1 unclear, 1 not attempted"; !strings.Contains(err.Error(), want) {
		t.Errorf("%q does not contain %q", err, want)
	}
	if !errors.Is(err, errDown) {
		t.Error("the cause is lost")
	}
	if connector.NewPartialError(1).Unwrap() != nil {
		t.Error("an error without causes unwraps to one")
	}
}

func TestEntryLimits(t *testing.T) {
	key, value := strings.Repeat("k", connector.MaxKey), make([]byte, connector.MaxValue)
	if err := connector.CheckEntry(key, value); err != nil {
		t.Errorf("at the limits: %v", err)
	}
	for name, err := range map[string]error{
		"no key": connector.CheckEntry("", nil), "long key": connector.CheckEntry(key+"k", nil),
		"long value": connector.CheckEntry("k", make([]byte, connector.MaxValue+1)),
	} {
		if connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("%s: %v", name, err)
		}
	}
	limit, ok := errors.AsType[*connector.LimitError](connector.CheckEntry(key+"k", nil))
	if !ok || limit.Size != connector.MaxKey+1 || limit.Limit != connector.MaxKey {
		t.Errorf("the limit error is %+v", limit)
	}
}

func TestNamesOfUnknownValues(t *testing.T) {
	if connector.Class(99).String() != "class(99)" || connector.Fate(99).String() != "fate(99)" {
		t.Error("an unknown class or fate has a name")
	}
}

func ExampleClassOf() {
	err := fmt.Errorf("insert order 7: %w", connector.Transient(errors.New("deadlock")))
	fmt.Println(connector.ClassOf(err), "-", err)
	// Output: transient - insert order 7: deadlock
}

type table struct{}

func (table) Describe() connector.Capabilities {
	return connector.Capabilities{Name: "table orders", Idempotent: true}
}

func ExampleDescribe() {
	caps := connector.Describe(table{})
	fmt.Println(caps.Name, caps.Idempotent, caps.Durable)
	// Output: table orders true false
}
