package queueconn_test

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/queueconn"
)

// Leases are extended while settlements are under way: that must not give a message that
// is being settled a lease again.
func TestExtendWhileSettling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := openAt(t, filepath.Join(t.TempDir(), "q"), queueconn.Config{Lease: time.Minute})
		write(t, q, "done", "leased")
		r := reader(t, q)
		got := read(t, r, 2)
		release := queueconn.HoldCommits(q)
		settled := make(chan error, 1)
		go func() {
			settled <- r.Settle(t.Context(), []connector.Settlement{{Position: got[0].Position(), Outcome: connector.Delivered}})
		}()
		synctest.Wait()
		if err := r.(connector.Extender).Extend(t.Context(), []connector.Position{got[0].Position()}); err != nil {
			t.Fatal(err)
		}
		release()
		if err := <-settled; err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		wantDepth(t, q, connector.Depth{Ready: 1})
		if lost := q.Lost(); lost != 1 {
			t.Errorf("%d leases were lost, want that of the message that was not settled", lost)
		}
		wantValues(t, "after the lease", read(t, r, 2), "leased")
	})
}
