// Package flow chains typed stages into pipelines that lose no message silently.
//
// A [Flow] is a blueprint of a stream: it starts at a source with [From], grows by
// methods such as Map, Filter, Batch and Once, and is closed by To, ForEach or Route.
// [New] makes a [Pipeline] of the ends. Every message that a source hands out ends in
// exactly one outcome, which the source is told and the pipeline's [Ledger] counts:
// delivered, filtered, duplicate, dropped, dead-lettered, or returned.
//
// A [Step] is one request with one reply. A unit test calls it, a Flow runs it on each
// message, an HTTP handler serves it.
//
// # Policies: the one rule to remember
//
// A policy of a Flow (Retry, DeadLetter, Once) governs the stages BELOW it, down to the
// sink. A policy of a Step or a [Delivery] (Timeout, Retry, Fallback) wraps what is ABOVE
// it; the one written last is outermost.
//
//	orders.DeadLetter(rejected).Validate().Map(price).To(sink)  // catches Validate, Map and the sink
//	flow.Ask("crm", client).Timeout(time.Second).Retry(policy)  // each attempt has one second
//
// # Functions
//
// Functions that may fail have the shape func(context.Context, In) (Out, error); [Pure]
// makes one of a function that cannot. Predicates, keys and folds are pure. A panic fails
// its message like an error. The context of user functions ends only at the drain
// deadline of a stopping pipeline. A value may be shared by several branches and must not
// be changed in place.
//
// # Goroutines
//
// Everything between a source and a Buffer, Merge, Via or Parallel runs on one goroutine,
// in the order of the source. Only these four add goroutines. Where no stage below a
// source keeps messages, reading and settling run on that goroutine as well.
//
// A Flow, End, Step, Gather and Delivery is immutable and may be shared. The methods of
// Pipeline and Supervisor may be called concurrently.
package flow
