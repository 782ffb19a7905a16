package flowtest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/flow"
)

// Run runs a pipeline until its sources have ended. It ends the test when the run
// returned an error, when the ledger of the run is not closed (see [Closed]), or when a
// goroutine of the run is left. A run that goes on for a day of virtual time, or 5
// minutes of real time, is stopped and fails.
//
// A goroutine counts as left when it is still inside the pipeline, or when the run
// started it and it can never go on. Inside of a bubble synctest reports the latter.
func Run(t testing.TB, p *flow.Pipeline) {
	t.Helper()
	Start(t, p).Wait()
}

// RunFails runs a pipeline that is to end with an error, and returns the error. It ends
// the test when there was none. Ledger and goroutines are checked as in [Run], except that
// messages may be left in flight or unconfirmed.
func RunFails(t testing.TB, p *flow.Pipeline) error {
	t.Helper()
	r := Start(t, p)
	r.await()
	r.judged = true
	if r.err == nil {
		t.Fatalf("flowtest: pipeline %s ended without an error: want one\n\tledger: %v", p.Name(), p.Ledger())
	}
	if problem := verdict(r.ledger(), nil, r.leaks(), balanced); problem != nil {
		t.Fatal(problem)
	}

	return r.err
}

// verdict joins everything that is wrong with a run. It is nil when nothing is.
func verdict(ledger flow.Ledger, err error, leaks []string, check func(flow.Ledger) error) error {
	var problems []error
	if err != nil {
		check = balanced // what an error leaves open is no further fault
		problems = append(problems, fmt.Errorf("the run failed (if it should, use RunFails): %w", err))
	}
	problems = append(problems, check(ledger))
	if len(leaks) > 0 {
		problems = append(problems, fmt.Errorf("the run left goroutines behind: let stages return when their context "+
			"ends, and end what they start:\n%s", strings.Join(leaks, "\n")))
	}
	joined := errors.Join(problems...)
	if joined == nil {
		return nil
	}

	return fmt.Errorf("flowtest: pipeline %s: %w\n\tledger of this run: %v", ledger.Flow, joined, ledger)
}
