package boltstore_test

import (
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
			s := store.(*boltstore.Store)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			path, _ := paths.Load(s)

			return start(t, path.(string))
		},
		Virtual: true,
	})
}
