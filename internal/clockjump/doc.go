// Package clockjump sets the clock of real processes while messages are leased, delayed,
// claimed and grouped in them, and checks what comes of it. It has tests only.
//
// The clock is that of internal/wallclock, which every stored time goes by. The test binary
// runs itself anew as the program; the test tells it through a pipe to work, and to set its
// clock, and reads what it did. What must hold:
//
//   - nothing is lost, and nothing is with two readers while its reader extends its lease;
//   - what a process began it ends in its time, whatever becomes of the clock: a lease, a
//     claim, a delay, a group;
//   - what a later process finds, on a clock that was set back, ends after its whole time
//     from then on at the latest, and not as much later as the clock was set back;
//   - on a clock that was set forward it ends at once, as if the time had passed.
//
// Confirmations and other entries with an end of life go by the wall clock alone: they end
// sooner or later by what it was set.
package clockjump
