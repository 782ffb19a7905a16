// Package conntest holds the conformance suites of package connector: [TestSource],
// [TestSink], [TestCaller], [TestQueue] and [TestStore]. A driver's test makes a harness,
// which says how to build the endpoint and what cannot be asked of it, and calls one of
// them:
//
//	func TestConformance(t *testing.T) {
//		conntest.TestSink(t, conntest.SinkHarness[string]{
//			New:   newSink,
//			Value: strconv.Itoa,
//		})
//	}
//
// What the endpoint declares in its Capabilities decides which cases apply. One that does
// not is skipped, and says why; it never counts as passed.
//
// With Virtual in the harness each case runs in a testing/synctest bubble, where waiting
// costs nothing. It suits endpoints that wait by channels and timers of their own; one
// that waits for a network runs in real time, with leases of a few hundred milliseconds.
package conntest
