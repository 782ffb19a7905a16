package servicestest_test

import (
	"testing"

	"github.com/millrace-go/millrace/internal/sqlcases"
)

func TestCases(t *testing.T) {
	each(t, func(t *testing.T, s service) {
		s.open(t) // skips where there is no server
		sqlcases.Test(t, sqlcases.Harness{Dialect: s.dialect, Open: s.open})
	})
}
