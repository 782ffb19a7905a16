package main

// clockFaults break what holds when the clock is set, and when a run goes on that was taken
// for dead.
func clockFaults() []fault {
	return []fault{
		{
			name: "delay-longer-by-jump", breaks: 15, file: "internal/wallclock/wallclock.go",
			wrong: "a message that was delayed waits for hours longer when the clock is set back",
			old:   "wait = min(wait, t.Sub(stamp))", new: "",
		},
		{
			name: "delay-without-stamp", breaks: 15, file: "connector/queueconn/records.go",
			wrong: "the file does not say when a delay began, so a clock that is set back makes it longer",
			old:   "wallclock.At(due), wallclock.Now()", new: "wallclock.At(due), time.Time{}",
			tests: []string{"flow"},
		},
		{
			name: "group-longer-by-jump", breaks: 14, file: "internal/wallclock/wallclock.go",
			wrong: "a stored group stays open for hours longer when the clock is set back",
			old:   "min(Until(t), 0)", new: "Until(t)",
		},
		{
			name: "interval-by-stored-time", breaks: 14, file: "flow/aggregate_tx.go",
			wrong: "the interval of a stored group moves with the clock",
			old:   "case s.open():\n\tcase before.Count > 0:", new: "case before.Count > 0:",
		},
		{
			name: "slow-run-changes-groups", breaks: 18, file: "flow/aggregate_tx.go",
			wrong: "a run whose groups another one has taken over goes on to change them",
			old:   "if err := t.a.owns(ctx, tx); err != nil {", new: "if err := t.a.owns(ctx, tx); err != nil && false {",
		},
		{
			name: "slow-run-emits-groups", breaks: 18, file: "flow/aggregate_stored.go",
			wrong: "a run emits groups that another one has taken over while it read them",
			old:   "if err := a.owns(ctx, a.state.store); err != nil {", new: "if err := a.owns(ctx, a.state.store); err != nil && false {",
		},
		{
			name: "slow-run-dead-letters", breaks: 6, file: "flow/aggregate_stored.go",
			wrong: "what a run has in hand when another takes over its groups becomes a dead letter",
			old:   "completeAll(a.c, waiting, asStopped(err))", new: "completeAll(a.c, waiting, err)",
		},
		{
			name: "delay-is-polled", breaks: 5, file: "flow/dry.go",
			wrong: "a pipeline asks its queue twenty times a second while a message waits for a week",
			old:   "wait = min(2*wait, longStandstill)", new: "wait = standstill",
		},
	}
}
