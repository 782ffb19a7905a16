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
// # Simulation
//
// [Sim] runs a pipeline under hundreds of schedules in which effects fail, work without
// saying so, come late, twice or out of order, and in which the process crashes and starts
// again. [Crash] crashes it at each of its effects in turn. The pipeline is built by a
// function of the test, with connectors of a [World]:
//
//	func TestOrdersLosesNothing(t *testing.T) {
//		flowtest.Sim(t, func(w *flowtest.World) *flow.Pipeline {
//			return orders(w.Source("orders", "5", "x", "7"), w.Sink[int]("invoices"))
//		}, flowtest.SimOptions{})
//	}
//
// After each schedule these must hold:
//   - The ledger closes, and says what the sources saw.
//   - What a source was told is delivered is in a sink or in a durable queue, and what it
//     was told is dead-lettered is so too. This needs message IDs, so it is left to your own
//     checks behind an Aggregate, a Batch that makes one message of many, a MapMessage or a
//     ForEach, and where a sink is not of the World.
//   - No message is settled twice with different outcomes, and an ordered source learns the
//     outcomes in the order of Read.
//   - No sink has a message more often than its handouts and the lost answers explain, nor
//     more often than [SimSink.AtMost] allows.
//   - With [SimSink.InOrder], messages arrive in the order of their source.
//   - Stop leaves what it reports.
//   - The pipeline finishes once the faults end, in bounded time, effects and starts.
//   - Your own conditions, which [World.Check] adds.
//
// A schedule that fails is shrunk and printed:
//
//	    start 1
//	 1  numbers.Open
//	 2  numbers.Read             up to 32
//	!3  numbers.Settle           numbers:1 delivered  -- CRASH after it has happened
//	    ... 1s later
//	    start 2
//	...
//	Replay it with:
//	    MILLRACE_SEED=4 go test -run '^TestOrdersLosesNothing$'
//
// A crash ends the process with all its effects that have not happened: a store sees the
// connection end before the process starts again. A process that is only slow, beside
// another one that took its place, is not simulated.
//
// # What happened in production
//
// A [flow.Recorder] keeps the paths of some messages of a running pipeline. [ReplayTest]
// writes one as a Go test, and [Replay] runs it: the endpoints fail as they did, and the
// message must take the same path.
//
// # Coverage
//
// [Cover] in TestMain reports which stages, branches, failures and options of the pipelines
// the tests of a package have exercised, and fails below a percentage.
//
// Sim and Crash take a *testing.T. The other functions take a testing.TB, and must be
// called from the goroutine of the test.
package flowtest
