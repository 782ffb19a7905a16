package sqlitetest_test

import (
	"database/sql"
	"path/filepath"
	"sync"
	"testing"

	"github.com/millrace-go/millrace/connector/sqlconn"
	"github.com/millrace-go/millrace/internal/sqlcases"
)

func TestCases(t *testing.T) {
	sqlcases.Test(t, sqlcases.Harness{Dialect: sqlconn.SQLite, Open: oneFileEach()})
}

// oneFileEach opens the same file for the same test.
func oneFileEach() func(t testing.TB) *sql.DB {
	var mu sync.Mutex
	files := make(map[testing.TB]string)

	return func(t testing.TB) *sql.DB {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if files[t] == "" {
			files[t] = filepath.Join(t.TempDir(), "test.db")
		}

		return open(t, files[t]+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(off)&_txlock=immediate")
	}
}
