package memory

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// TestStoreIsBounded puts, claims and confirms far more than lives at one time.
func TestStoreIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, ctx := NewStore(), t.Context()
		for i := range 20_000 {
			key := strconv.Itoa(i)
			if _, err := store.Put(ctx, key, nil, connector.Absent, time.Second); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Claim(ctx, "left-"+key, time.Second); err != nil {
				t.Fatal(err)
			}
			claim, err := store.Claim(ctx, key, time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if err := store.Confirm(ctx, time.Second, claim); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond) // so 1,000 of each live
		}
		for name, n := range map[string]int{
			"entries": len(store.entries.rows), "claims": len(store.claims.rows), "confirmations": len(store.confirmed.rows),
			"keys": len(store.entries.keys),
		} {
			if n < 1000 || n > 2*1000+2 {
				t.Errorf("%d %s are kept for 1,000 that live", n, name)
			}
		}
	})
}
