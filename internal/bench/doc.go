// Command bench measures what millrace costs, beside its peers and beside programs
// written by hand, and writes the report.
//
// A row is one job and the contestants that do it. They run in one process, turn and
// turn about, for at least seven rounds; the baseline runs twice in each round, so that
// the ratio of the baseline with itself shows what the machine adds. A message counts
// when it arrives at the sink: a contestant whose count is off fails the run. Ratios
// are made round by round, and the median of them is what a floor judges.
//
//	go run . -only chain      # the families and rows whose name matches
//	go run . -quick           # few messages and three rounds: a look, not a result
//	go run . -out dir         # write REPORT.md and the charts
//	go run . -big             # the file of 10 GB as well
//	go run . -allocs          # allocations alone, which fail the run: what make bench-check does
package main
