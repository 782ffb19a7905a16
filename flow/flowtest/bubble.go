package flowtest

import (
	"testing"
	"testing/synctest"
)

// Test runs f in virtual time: it is testing/synctest.Test. It does not nest, and f must
// not call t.Run or t.Parallel.
func Test(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if rest() {
		t.Fatal("flowtest: Test inside of Test: the time is virtual already, so call the function as it is")
	}
	synctest.Test(t, f)
}

// rest waits until every other goroutine of the bubble waits for something that only
// time or the test can bring about. It reports false, at once, outside of a bubble.
func rest() (virtual bool) {
	// There is no other way to ask: Wait panics outside of a bubble.
	defer func() { virtual = recover() == nil }()
	synctest.Wait()

	return true
}
