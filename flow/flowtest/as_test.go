package flowtest_test

import (
	"flag"
	"sync"
	"testing"
)

// asTest runs f as go test runs a test function, once whatever the flags say, and prints
// only when f fails. An example has no *testing.T of its own.
func asTest(f func(t *testing.T)) {
	verbose := flag.Lookup("test.v").Value
	was := verbose.String()
	_ = verbose.Set("false")
	defer func() { _ = verbose.Set(was) }()
	var once sync.Once
	all := func(string, string) (bool, error) { return true, nil }
	testing.RunTests(all, []testing.InternalTest{{
		Name: "Example", F: func(t *testing.T) { once.Do(func() { f(t) }) },
	}})
}
