// Package flowtest tests flows: it runs a pipeline in virtual time and fails the test
// when the run fails, when the ledger does not close, or when a goroutine is left behind.
//
//	func TestOrders(t *testing.T) {
//		flowtest.Test(t, func(t *testing.T) {
//			source, sink := flowtest.Watch(memory.NewSource("5", "x", "7")), memory.NewSink[int]()
//
//			flowtest.Run(t, orders(source, sink))
//
//			source.Want(t, connector.DeadLettered, "x")
//			flowtest.Values(t, sink.Values(), 5, 7)
//		})
//	}
//
// [Run] takes a pipeline whose sources end. [Start] is for one that does not end by
// itself: feed it, let it come to rest with [Running.Idle], look at what it did, and stop
// it with [Running.Stop]. An assertion that something did not happen belongs after Idle,
// which waits until nothing more can happen, and not after a time-out.
//
// # Virtual time
//
// Inside [Test], as inside testing/synctest.Test, time stands still while anything
// runs and jumps to the next timer when nothing does: an hour of backoff takes no time,
// and a test sees the same times in every run. What a stage waits for must be inside as
// well; goroutines that wait for a real network or a real file keep time from moving.
// Make sources, sinks and stores inside the function that Test is given.
//
// Outside of a bubble everything but Idle works in real time. That is what a test with a
// real database needs.
//
// The functions take a testing.TB and must be called from the goroutine of the test.
package flowtest
