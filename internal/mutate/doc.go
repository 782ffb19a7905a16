// Command mutate checks the tests: it breaks the code on purpose, one place at a time,
// and the tests must notice.
//
//	go run ./internal/mutate                 every deliberate fault of the list
//	go run ./internal/mutate -only NAME      one of them
//	go run ./internal/mutate -sample 10      ten of them, chosen by -seed
//	go run ./internal/mutate -sweep FILE...  small changes of operators all over some files
//
// A deliberate fault is a replacement of text with the number of the invariant of
// ARCHITECTURE.md that it breaks. Nothing in the tree is touched: the compiler gets the
// changed files as an overlay. To compile once and not once per fault, the overlay has
// every function that a fault changes beside its changed copies, and an environment
// variable says which copy a test run uses. Two controls come first, with all functions
// as they are and with an unchanged copy of each: the tests must pass, or else a catch
// would mean nothing.
package main
