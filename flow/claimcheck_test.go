package flow_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

type (
	textClaim = flow.Claim[string]
	texts     = flow.Flow[string]
)

// entries counts what the store has, and the bytes of it.
func entries(t *testing.T, store connector.Store) (n, size int) {
	t.Helper()
	for e, err := range store.Scan(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		n, size = n+1, size+len(e.Value)
	}

	return n, size
}

func brief(s string) string { return s[:min(len(s), 20)] }

// TestClaimCheck takes values of every size there and back, through a durable queue that
// would refuse them.
func TestClaimCheck(t *testing.T) {
	for _, size := range []int{0, 1, 5000, connector.MaxValue - 2, connector.MaxValue - 1, 3 * connector.MaxValue} {
		bubble(t, fmt.Sprint(size), func(t *testing.T) {
			store, value := memory.NewStore(), strings.Repeat("x", size)
			source, sink := memory.NewSource(value), memory.NewSink[string]()
			q, err := queueconn.Open(filepath.Join(t.TempDir(), "claims"), transform.JSON[textClaim](), queueconn.Config{MaxBody: 400})
			if err != nil {
				t.Fatal(err)
			}
			var claims []textClaim
			p := flow.New("scans", flow.From(audit(t, source)).ClaimCheck(store, flow.ClaimConfig{}).
				Observe(func(m connector.Message[textClaim]) { claims = append(claims, m.Value) }).
				Via(q).Apply(flow.Redeem[string](store)).To(sink))
			mustRun(t, p)
			if got := sink.Values(); len(got) != 1 || got[0] != value {
				t.Errorf("%d values, first %q", len(got), brief(got[0]))
			}
			if claims[0].Size != size+2 || len(claims[0].Sum) != 64 || claims[0].Key == "" {
				t.Errorf("claim %+v", claims[0])
			}
			wantLedger(t, p, flow.Line{In: 2, Delivered: 2}, flow.Line{})
			if n, left := entries(t, store); n != 1 || left > 100 {
				t.Errorf("the store has %d entries of %d bytes, want a note", n, left)
			}
			if err := q.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestClaimCheckKeepsTheValue until its message has ended.
func TestClaimCheckKeepsTheValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source, sink := memory.NewStore(), memory.NewFeed("scan"), memory.NewSink[string]()
		fail := flaky(2, errBad)
		var kept []int
		p := start(t, flow.New("scans", flow.From(audit(t, source)).ClaimCheck(store, flow.ClaimConfig{}).
			Apply(flow.Redeem[string](store)).Buffer(1, flow.Block).
			Map(func(ctx context.Context, s string) (string, error) {
				_, size := entries(t, store)
				kept = append(kept, size)
				_, err := fail(ctx, 0)

				return s, err
			}).To(sink)))
		time.Sleep(time.Minute)
		source.Finish()
		if err := p.wait(); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(kept) != "[6 6 6]" || len(sink.Values()) != 1 {
			t.Errorf("bytes kept %v, delivered %q", kept, sink.Values())
		}
		wantLedger(t, p.Pipeline, flow.Line{In: 3, Delivered: 1, Returned: 2}, flow.Line{})
	})
}

// redeem runs claims through a Redeem of its own pipeline and returns the letters.
func redeem(t *testing.T, store connector.Store, name string, claims ...textClaim) (*flow.Pipeline, []connector.DeadLetter[textClaim]) {
	t.Helper()
	dead := memory.NewSink[connector.DeadLetter[textClaim]]()
	p := flow.New("redeem", flow.From(memory.NewSource(claims...)).DeadLetter(dead).
		Apply(flow.Redeem[string](store)).As(name).To(memory.NewSink[string]()))
	mustRun(t, p)

	return p, dead.Values()
}

// checkIn stores values and returns their claims.
func checkIn(t *testing.T, store connector.Store, config flow.ClaimConfig, values ...string) []textClaim {
	t.Helper()
	sink := memory.NewSink[textClaim]()
	mustRun(t, flow.New("check-in", flow.From(memory.NewSource(values...)).ClaimCheck(store, config).To(sink)))

	return sink.Values()
}

func TestRedeem(t *testing.T) {
	large := strings.Repeat("y", connector.MaxValue)
	tests := []struct {
		name  string
		spoil func(t *testing.T, store *memory.Store, claim *textClaim)
		value string
		want  flow.Line
		err   error
	}{
		{name: "there", value: "scan", want: flow.Line{In: 1, Delivered: 1}},
		{name: "again", value: "scan", want: flow.Line{In: 1, Duplicate: 1}, spoil: func(t *testing.T, store *memory.Store, claim *textClaim) {
			redeem(t, store, "archive", *claim)
		}},
		{name: "elsewhere", value: "scan", err: flow.ErrClaimTaken, spoil: func(t *testing.T, store *memory.Store, claim *textClaim) {
			redeem(t, store, "another", *claim)
		}},
		{name: "removed", value: "scan", err: flow.ErrClaimLost, spoil: func(t *testing.T, store *memory.Store, claim *textClaim) {
			remove(t, store, claim.Key+"/0")
		}},
		{name: "removed in part", value: large, err: flow.ErrClaimLost, spoil: func(t *testing.T, store *memory.Store, claim *textClaim) {
			remove(t, store, claim.Key+"/1")
		}},
		{name: "emptied", value: "scan", err: flow.ErrClaimDamaged, spoil: func(t *testing.T, store *memory.Store, claim *textClaim) {
			put(t, store, claim.Key+"/0", "")
		}},
		{name: "changed", value: "scan", err: flow.ErrClaimDamaged, spoil: func(t *testing.T, store *memory.Store, claim *textClaim) {
			put(t, store, claim.Key+"/0", `"scam"`)
		}},
		{name: "of another size", value: "scan", err: flow.ErrClaimDamaged, spoil: func(_ *testing.T, _ *memory.Store, claim *textClaim) {
			claim.Size++
		}},
		{name: "huge", value: "scan", err: flow.ErrClaimLost, spoil: func(_ *testing.T, _ *memory.Store, claim *textClaim) {
			claim.Size = 1 << 40
		}},
		{name: "empty", value: "scan", err: flow.ErrClaimLost, spoil: func(_ *testing.T, _ *memory.Store, claim *textClaim) {
			*claim = textClaim{}
		}},
		{name: "of a negative size", value: "scan", err: flow.ErrClaimLost, spoil: func(_ *testing.T, _ *memory.Store, claim *textClaim) {
			claim.Size = -1
		}},
		{name: "while the store fails", value: "scan", err: errBad, spoil: func(_ *testing.T, store *memory.Store, _ *textClaim) {
			store.Script(memory.OpGet, memory.Fail(errBad))
		}},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			store := memory.NewStore()
			claim := checkIn(t, store, flow.ClaimConfig{}, test.value)[0]
			if test.spoil != nil {
				test.spoil(t, store, &claim)
			}
			p, letters := redeem(t, store, "archive", claim)
			if test.err == nil {
				wantLedger(t, p, test.want, flow.Line{})

				return
			}
			if len(letters) != 1 || !errors.Is(letters[0].Err, test.err) || letters[0].Stage != "archive" {
				t.Errorf("letters %+v", letters)
			}
		})
	}
}

func remove(t *testing.T, store connector.Store, key string) {
	t.Helper()
	if _, err := store.Get(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(t.Context(), key, connector.Any); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, store connector.Store, key, value string) {
	t.Helper()
	if _, err := store.Put(t.Context(), key, []byte(value), connector.Any, 0); err != nil {
		t.Fatal(err)
	}
}

// TestClaimCheckBounds goes to the bounds and one beyond them.
func TestClaimCheckBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, sink := memory.NewStore(), memory.NewSink[textClaim]()
		dead := memory.NewSink[connector.DeadLetter[string]]()
		noID := connector.NewMessage("nobody", connector.Fields{})
		source := memory.NewSource("12345678", "123456789")
		p := flow.New("bounds", flow.From(source).DeadLetter(dead).
			MapMessage(func(_ context.Context, m connector.Message[string]) (connector.Message[string], error) { return m, nil }).
			ClaimCheck(store, flow.ClaimConfig{MaxBytes: 10}).To(sink))
		mustRun(t, p)
		letters := dead.Values()
		if len(letters) != 1 || letters[0].Value != "123456789" || letters[0].Class != "permanent" {
			t.Fatalf("letters %+v", letters)
		}
		limit, ok := errors.AsType[*connector.LimitError](letters[0].Err)
		if !ok || *limit != (connector.LimitError{What: "value", Size: 11, Limit: 10}) || len(sink.Values()) != 1 {
			t.Errorf("error %v", letters[0].Err)
		}
		dead = memory.NewSink[connector.DeadLetter[string]]()
		mustRun(t, flow.New("bounds", flow.From(memory.NewSource("anybody")).DeadLetter(dead).
			MapMessage(func(context.Context, connector.Message[string]) (connector.Message[string], error) { return noID, nil }).
			ClaimCheck(store, flow.ClaimConfig{}).To(sink)))
		if letters := dead.Values(); len(letters) != 1 || !strings.Contains(letters[0].Cause, "has no ID") {
			t.Errorf("letters %+v", letters)
		}
	})
}

// TestClaimCheckKeepsApart messages with one ID and several values, and remembers a value
// once.
func TestClaimCheckKeepsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, sink := memory.NewStore(), memory.NewSink[string]()
		same := connector.Fields{ID: "the same"}
		source := memory.NewSource[string]()
		source.SendMessages(connector.NewMessage("one", same), connector.NewMessage("two", same))
		claims := memory.NewSink[textClaim]()
		mustRun(t, flow.New("apart", flow.From(source).ClaimCheck(store, flow.ClaimConfig{}).To(claims)))
		mustRun(t, flow.New("apart", flow.From(memory.NewSource(claims.Values()...)).Apply(flow.Redeem[string](store)).To(sink)))
		if got := strings.Join(sink.Values(), " "); got != "one two" {
			t.Errorf("values %q", got)
		}
		checkIn(t, store, flow.ClaimConfig{}, "again")
		before, _ := entries(t, store)
		checkIn(t, store, flow.ClaimConfig{}, "again")
		if after, _ := entries(t, store); after != before {
			t.Errorf("%d entries after %d", after, before)
		}
	})
}

// TestClaimTTL: what nobody redeems goes away.
func TestClaimTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.NewStore()
		claims := checkIn(t, store, flow.ClaimConfig{TTL: time.Hour}, "scan")
		time.Sleep(59 * time.Minute)
		if n, _ := entries(t, store); n != 1 {
			t.Errorf("%d entries before the TTL", n)
		}
		time.Sleep(2 * time.Minute)
		if _, letters := redeem(t, store, "archive", claims...); len(letters) != 1 || !errors.Is(letters[0].Err, flow.ErrClaimLost) {
			t.Errorf("letters %+v", letters)
		}
	})
}

// TestRedeemSurvivesTheStore: the message is done, so a value that cannot be removed stays.
func TestRedeemSurvivesTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.NewStore()
		claims := checkIn(t, store, flow.ClaimConfig{}, "scan")
		store.Script(memory.OpUpdate, memory.Fail(errBad))
		p, _ := redeem(t, store, "archive", claims...)
		wantLedger(t, p, flow.Line{In: 1, Delivered: 1}, flow.Line{})
		if _, size := entries(t, store); size != len(`"scan"`) {
			t.Errorf("%d bytes are left", size)
		}
	})
}

// TestClaimEncodes: what a broker carries says where the value is, not what it is.
func TestClaimEncodes(t *testing.T) {
	text, err := json.Marshal(textClaim{Key: "k", Size: 3, Sum: "s"})
	if err != nil || string(text) != `{"key":"k","size":3,"sum":"s"}` {
		t.Errorf("%s, %v", text, err)
	}
}
