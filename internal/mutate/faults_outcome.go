package main

// deadLetterFaults lose the cause, or the letter.
func deadLetterFaults() []fault {
	return []fault{
		{
			name: "dead-letter-without-cause", breaks: 12, file: "flow/deadletter.go",
			wrong: "a dead letter does not say why",
			old:   "Cause:   cause.Error(),", new: "",
		},
		{
			name: "dead-letter-without-class", breaks: 12, file: "flow/deadletter.go",
			wrong: "a dead letter does not say whether trying again helps",
			old:   "Class:   connector.ClassOf(cause).String(),", new: "",
		},
		{
			name: "dead-letter-without-parts", breaks: 12, file: "flow/deadletter.go",
			wrong: "a dead letter of a split message does not list what failed",
			old:   "letter.Parts = append(letter.Parts, p.Error())", new: "_ = p",
		},
		{
			name: "dead-letter-although-sink-failed", breaks: 12, file: "flow/deadletter.go",
			wrong: "a message that no dead-letter sink has counts as dead-lettered",
			old:   "if err = fate(err, 0, 1); err != nil {", new: "if false {",
		},
		{
			name: "dead-letter-hides-outer", breaks: 12, file: "flow/deadletter.go",
			wrong: "a failure does not reach the DeadLetter above one whose sink failed",
			old:   "fr.value, fr.meta, fr.outer = *value, it.meta, it.frame", new: "fr.value, fr.meta, fr.outer = *value, it.meta, nil",
		},
		{
			name: "dead-letter-is-delivered", breaks: 12, file: "flow/deadletter.go",
			wrong: "a dead letter counts as delivered",
			old:   "it.outcome, it.cause = connector.DeadLettered, cause", new: "it.outcome, it.cause = connector.Delivered, cause",
		},
		{
			name: "dead-letter-loses-cause-of-failure", breaks: 12, file: "flow/deadletter.go",
			wrong: "when the dead-letter sink fails, nobody learns why the message had failed",
			old:   "return fmt.Errorf(\"%w (and the dead-letter sink of stage %s failed: %w)\", cause, d.station.name, err)", new: "return err",
		},
		{
			name: "queue-dead-letter-without-cause", breaks: 12, file: "connector/queueconn/records.go",
			wrong: "a dead letter of the queue does not say why",
			old:   "cause: causeText(b.cause),", new: "cause: causeText(nil),",
		},
		{
			name: "queue-drops-dead-letter", breaks: 12, file: "connector/queueconn/settle.go",
			wrong: "a message without attempts left is deleted",
			old:   "c.dead = append(c.dead, burial{e, cause(s)})", new: "c.done = append(c.done, e)",
		},
	}
}

// partialFaults give the members of a Write a common fate.
func partialFaults() []fault {
	return []fault{
		{
			name: "failed-member-delivered", breaks: 13, file: "flow/sink.go",
			wrong: "a message that the sink refused in a partial write is delivered",
			old:   "case connector.Failed:\n\t\treturn orUnnamed(m.Err)", new: "case connector.Failed:\n\t\treturn nil",
		},
		{
			name: "unclear-member-delivered", breaks: 13, file: "flow/sink.go",
			wrong: "a message that the sink may not have is delivered",
			old:   "return connector.Ambiguous(orUnnamed(m.Err))", new: "return nil",
		},
		{
			name: "untried-member-delivered", breaks: 13, file: "flow/sink.go",
			wrong: "a message that the sink did not attempt is delivered",
			old:   "return connector.Transient(fmt.Errorf(\"not attempted: %w\", err))", new: "return nil",
		},
		{
			name: "partial-write-taken-as-whole", breaks: 13, file: "flow/sink.go",
			wrong: "a partial write counts as a whole success",
			old:   "if !ok {\n\t\treturn err\n\t}", new: "if !ok {\n\t\treturn err\n\t}\n\tif true {\n\t\treturn nil\n\t}",
		},
		{
			name: "partial-write-fails-all", breaks: 13, file: "flow/sink.go",
			wrong: "a message that the sink has fails with its neighbours",
			old:   "case connector.Accepted:\n\t\treturn nil", new: "case connector.Accepted:\n\t\treturn err",
		},
		{
			name: "short-partial-error-trusted", breaks: 13, file: "flow/sink.go",
			wrong: "a PartialError with too many members is believed",
			old:   "if len(partial.Members) != n {", new: "if len(partial.Members) < n {",
		},
		{
			name: "retry-writes-all-again", breaks: 13, file: "flow/into.go",
			wrong: "a retry writes again what the sink has",
			old:   "failure := fate(err, i, n)\n\t\tr.members[at] = member(failure)", new: "failure := fate(err, i, n); if failure == nil && err != nil { failure = err }\n\t\tr.members[at] = member(failure)",
		},
		{
			name: "retry-writes-refused-again", breaks: 13, file: "flow/into.go",
			wrong: "a retry writes again what the sink refused for good",
			old:   "if failure != nil && r.policy.Retryable(failure) {", new: "if failure != nil {",
		},
		{
			name: "file-partial-hides-failure", breaks: 13, file: "connector/fileconn/sinkwrite.go",
			wrong: "a value that cannot be encoded counts as written",
			old:   "fates[i] = connector.Member{Fate: connector.Failed, Err: s.wrap(err)}", new: "fates[i] = connector.Member{Fate: connector.Accepted}",
		},
		{
			name: "queue-partial-hides-rest", breaks: 13, file: "connector/queueconn/write.go",
			wrong: "messages for which the queue had no room count as accepted",
			old:   "fate := connector.NotAttempted", new: "fate := connector.Accepted",
		},
		{
			name: "sql-refused-row-accepted", breaks: 13, file: "connector/sqlconn/deliver.go",
			wrong: "a row that the database refused counts as inserted",
			old:   "if members[i].Err == nil {\n\t\t\tmembers[i].Fate = connector.Accepted", new: "if true {\n\t\t\tmembers[i] = connector.Member{Fate: connector.Accepted}",
		},
		{
			name: "sql-unclear-row-failed", breaks: 13, file: "connector/sqlconn/deliver.go",
			wrong: "a row whose commit may have happened counts as not inserted",
			old:   "fate = connector.Unclear", new: "",
		},
	}
}

// onceFaults let a key pass twice, or not at all.
func onceFaults() []fault {
	return []fault{
		{
			name: "claim-confirmed-before-outcome", breaks: 7, file: "flow/once.go",
			wrong: "a key counts as done before its message has ended",
			old:   "it.frame = p\n\n\t\treturn true, nil", new: "it.frame = p; _ = g.store.Confirm(ctx, g.ttl, p.claim)\n\n\t\treturn true, nil",
		},
		{
			name: "claim-not-released", breaks: 7, file: "flow/once.go",
			wrong: "a key whose message failed stays claimed",
			old:   "return g.store.Release(g.run.settleCtx, claims...)", new: "return nil",
		},
		{
			name: "failed-key-confirmed", breaks: 7, file: "flow/once.go",
			wrong: "a key whose message failed counts as done",
			old:   "return g.store.Release(g.run.settleCtx, claims...)", new: "return g.store.Confirm(g.run.settleCtx, g.ttl, claims...)",
		},
		{
			name: "unconfirmed-key-delivered", breaks: 7, file: "flow/once.go",
			wrong: "a message whose key could not be confirmed is delivered",
			old:   "failed = connector.Ambiguous(fmt.Errorf(\"flow %s: stage %s: message", new: "_ = connector.Ambiguous(fmt.Errorf(\"flow %s: stage %s: message",
		},
		{
			name: "confirmation-for-ever", breaks: 7, file: "flow/once.go",
			wrong: "the ttl of a Once has no effect",
			old:   "g.store.Confirm(ctx, g.ttl, claims...)", new: "g.store.Confirm(ctx, 0, claims...)",
		},
		{
			name: "claim-not-extended", breaks: 7, file: "flow/once.go",
			wrong: "a claim ends while its message is in flight",
			old:   "claims := g.claims()", new: "claims := g.claims()[:0]",
		},
		{
			name: "one-lost-claim-fails-all", breaks: 7, file: "flow/once.go",
			wrong: "one claim that was lost fails the messages confirmed with it",
			old:   "if errors.Is(err, connector.ErrFenced) && len(done) > 1 {", new: "if false {",
		},
		{
			name: "key-in-flight-passes", breaks: 7, file: "flow/once.go",
			wrong: "two messages of a key run at the same time, as far as the store allows",
			old:   "if g.behind(p, it) {", new: "if g.behind(p, it) && false {",
		},
		{
			name: "behind-failure-is-duplicate", breaks: 7, file: "flow/once.go",
			wrong: "a message that waited for one that failed ends as its duplicate",
			old:   "if err == nil {\n\t\t\tit.outcome = connector.Duplicate", new: "if true {\n\t\t\tit.outcome = connector.Duplicate",
		},
	}
}

// orderFaults let messages overtake each other.
func orderFaults() []fault {
	return []fault{
		{
			name: "parallel-out-of-order", breaks: 14, file: "flow/parallel.go",
			wrong: "the results of an ordered parallel stage overtake each other",
			old:   "if !p.ordered {", new: "if true {",
		},
		{
			name: "key-on-several-workers", breaks: 14, file: "flow/keyed.go",
			wrong: "messages of a key run on several goroutines",
			old:   "seed := maphash.MakeSeed()\n\n\treturn assignment[T]{queues: workers, of: func(value T) int {", new: "seed, next := maphash.MakeSeed(), 0\n\n\treturn assignment[T]{queues: workers, of: func(value T) int { if next++; true { return next % workers }",
		},
		{
			name: "evicts-newest", breaks: 14, file: "flow/mailbox.go",
			wrong: "DropOldest drops the message that came last",
			old:   "evicted = m.waiting[0]\n\t\tm.waiting = append(m.waiting[:0], m.waiting[1:]...)", new: "evicted = m.waiting[len(m.waiting)-1]\n\t\tm.waiting = m.waiting[:len(m.waiting)-1]",
		},
		{
			name: "busy-lane-forgets-timers", breaks: 14, file: "flow/lane.go",
			wrong: "a batch waits beyond its time while messages keep coming",
			old:   "if busy {\n\t\tl.ringDue(ctx)", new: "if false {\n\t\tl.ringDue(ctx)",
		},
		{
			name: "batch-without-wait", breaks: 14, file: "flow/batch.go",
			wrong: "the wait of a batch has no effect",
			old:   "if len(b.members) == 1 && b.spec.wait > 0 {", new: "if false {",
		},
		{
			name: "partition-given-up-early", breaks: 14, file: "flow/book.go",
			wrong: "a partition goes while its messages are in flight",
			old:   "for b.holdsAny(partitions) {", new: "for false {",
		},
	}
}
