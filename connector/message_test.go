package connector_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
)

func TestZeroMessageIsSafeToRead(t *testing.T) {
	var m connector.Message[int]
	if m.ID() != "" || m.Key() != "" || !m.Time().IsZero() || m.Attempt() != 0 || m.Header("x") != "" ||
		!m.Position().IsZero() || m.Part(1) != nil || m.Fields().ID != "" {
		t.Error("a nil Meta answers with something else than zero")
	}
	for name := range m.Headers() {
		t.Errorf("header %s", name)
	}
	if got := m.WithKey("k").Key(); got != "k" {
		t.Errorf("WithKey on a nil Meta: key %q", got)
	}
}

func TestWithCopiesAndKeepsThePosition(t *testing.T) {
	at := connector.Position{Partition: "orders.csv", Offset: 7}
	m := connector.NewMessage("x", connector.Fields{Position: at, Headers: map[string]string{"a": "1"}})
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	changed := m.WithHeader("b", "2").WithKey("k").WithTime(noon).WithID("id")
	if got := maps.Collect(m.Headers()); len(got) != 1 || m.Key() != "" || m.ID() != "orders.csv:7" {
		t.Errorf("the original changed: %v %q %q", got, m.Key(), m.ID())
	}
	if changed.Position() != at || changed.ID() != "id" || changed.Key() != "k" || !changed.Time().Equal(noon) ||
		changed.Header("a") != "1" || changed.Header("b") != "2" {
		t.Errorf("the copy is %+v", changed.Fields())
	}
}

func TestPartsHaveIDsOfTheirOwn(t *testing.T) {
	m := connector.NewMessage(0, connector.Fields{ID: "A", Key: "k"})
	part := m.Part(2).Part(1)
	if part.ID() != "A/2/1" || part.Key() != "k" || part.Fields().ID != "A/2/1" {
		t.Errorf("the part of a part is %+v", part.Fields())
	}
	if got := part.WithID("B").ID(); got != "B" {
		t.Errorf("a part with another ID has %q", got)
	}
}

func TestPositionText(t *testing.T) {
	for _, p := range []connector.Position{
		{}, {Partition: "a", Offset: 1}, {Partition: "C:/x:y", Offset: -3}, {Offset: 1<<63 - 1},
	} {
		text, _ := p.MarshalText()
		var back connector.Position
		if err := back.UnmarshalText(text); err != nil || back != p {
			t.Errorf("%v became %q became %v, %v", p, text, back, err)
		}
	}
	for _, text := range []string{"", "a", "a:", "a:b", "a:9223372036854775808"} {
		var p connector.Position
		if err := p.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read as %v", text, p)
		}
	}
}

func FuzzPosition(f *testing.F) {
	f.Add("orders.csv:7")
	f.Add("a:b:-1")
	f.Fuzz(func(t *testing.T, text string) {
		var p connector.Position
		if p.UnmarshalText([]byte(text)) != nil {
			return
		}
		var back connector.Position
		if err := back.UnmarshalText([]byte(p.String())); err != nil || back != p {
			t.Errorf("%q is %+v, which is read back as %+v, %v", text, p, back, err)
		}
	})
}

func TestOutcomesAreOrderedBySeverity(t *testing.T) {
	last := connector.Pending
	for _, o := range connector.Outcomes {
		if o <= last {
			t.Errorf("%v does not come after %v", o, last)
		}
		if o.Done() != (o != connector.Returned) {
			t.Errorf("%v.Done() = %v", o, o.Done())
		}
		last = o
	}
	if connector.Pending.Done() || connector.Outcome(99).String() != "outcome(99)" {
		t.Error("Pending is done, or an unknown outcome has a name")
	}
}

func ExampleMessage() {
	m := connector.NewMessage("5 boxes", connector.Fields{
		Position: connector.Position{Partition: "orders.csv", Offset: 7},
	})
	changed := connector.Derive(m, 5)
	changed.Meta = changed.WithKey("boxes")
	fmt.Println(m.ID(), changed.Value, changed.Key(), changed.Position())
	// Output: orders.csv:7 5 boxes orders.csv:7
}

func TestPartsShareWhatTheirMessageHas(t *testing.T) {
	m := connector.NewMessage("x", connector.Fields{ID: "A", Key: "k", Attempt: 3, Headers: map[string]string{"h": "1"}})
	var parts connector.Parts
	for i := range 100 {
		part := parts.Of(m.Meta, i)
		if got, want := part.Fields(), m.Part(i).Fields(); got.ID != want.ID || got.Key != "k" || got.Attempt != 3 || part.Header("h") != "1" {
			t.Fatalf("part %d is %+v, want %+v", i, got, want)
		}
		changed := part.WithKey("other").WithHeader("h", "2")
		if changed.ID() != part.ID() || changed.Key() != "other" || part.Key() != "k" || part.Header("h") != "1" || changed.Attempt() != 3 {
			t.Fatalf("part %d changed to %+v, and itself to %+v", i, changed.Fields(), part.Fields())
		}
		if twice := parts.Of(changed, 7); twice.ID() != changed.ID()+"/7" || twice.Key() != "other" {
			t.Fatalf("a part of a part is %+v", twice.Fields())
		}
	}
	if parts.Of(nil, 1) != nil {
		t.Error("a part of nil")
	}
}
