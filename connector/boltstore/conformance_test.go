package boltstore_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
	"github.com/millrace-go/millrace/connector/conntest"
)

func TestConformance(t *testing.T) {
	var paths sync.Map
	start := func(t testing.TB, path string) connector.Store {
		s := openAt(t, path, boltstore.Config{})
		paths.Store(s, path)

		return s
	}
	conntest.TestStore(t, conntest.StoreHarness{
		New: func(t testing.TB) connector.Store { return start(t, filepath.Join(t.TempDir(), "state.db")) },
		Reopen: func(t testing.TB, store connector.Store) connector.Store {
			path, _ := paths.Load(store)
			data, err := os.ReadFile(path.(string)) // as the death of the process leaves it
			if err != nil {
				t.Fatal(err)
			}
			to := filepath.Join(t.TempDir(), "state.db")
			if err := os.WriteFile(to, data, 0o600); err != nil {
				t.Fatal(err)
			}

			return start(t, to)
		},
		Virtual: true,
	})
}
