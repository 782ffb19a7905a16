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
// What the endpoint declares in its Capabilities decides which cases apply. Where an
// endpoint does not declare a capability, the suite asserts the opposite, if that can be
// asserted: a queue without Delays hands a message out at once, whatever its NotBefore. The
// other cases are skipped with "not declared: " and what is missing, in the Capabilities or
// in the harness; they never count as passed.
//
// With Virtual in the harness each case runs in a testing/synctest bubble, where waiting
// costs nothing. It suits endpoints that wait by channels and timers of their own; one
// that waits for a network runs in real time, with leases of a few hundred milliseconds.
package conntest
