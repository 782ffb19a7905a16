// Package retry repeats work that failed, within bounds: a number of attempts, a time, a
// deadline. The zero [Policy] is ready for use, safe for work that must not be done twice,
// and may be copied and used concurrently.
//
// What may be repeated is decided by the class of the error (see connector.Class): a
// permanent error never; a throttled one after the time that it asks for; an ambiguous
// one, whose effect may have happened, only where Policy.Idempotent says that doing it
// twice is harmless. Layers do not multiply: an error that an inner layer gave up on
// ([ExhaustedError]) is not tried again by an outer one.
//
// A first attempt that succeeds costs no allocation and no look at the clock.
package retry
