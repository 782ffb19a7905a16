// Package memory holds typed in-memory connectors for tests: a [Source], a [Sink] and a
// [Caller] whose results, delays and failures are scripted and which record what they
// saw, and a [Store] that keeps the whole contract of connector.Store.
//
// Each operation of a fake takes [Step]s, one for each call, in order; when they are used
// up the operation works:
//
//	sink.Script(memory.Fail(errDown).Times(2), memory.Pass().Delay(time.Second))
//
// All types are safe for concurrent use, start no goroutine and know time only through
// package time, so they work inside a testing/synctest bubble.
package memory
