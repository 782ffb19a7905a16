package main

// settlementFaults tell a source something else than the outcome, or at another time.
func settlementFaults() []fault {
	return []fault{
		{
			name: "buffer-settles-early", breaks: 3, file: "flow/buffer.go",
			wrong: "a message is delivered as soon as it waits in a Buffer",
			old:   "m.put(l, entry[T]{it, *value})\n\n\t\t\t\treturn errHeld",
			new: "early := *it; early.owner = &group{tally: new(tally)}; m.put(l, entry[T]{&early, *value})\n" +
				"it.outcome = connector.Delivered; return nil",
		},
		{
			name: "merge-settles-early", breaks: 3, file: "flow/buffer.go",
			wrong: "a message is delivered as soon as it waits in a Merge",
			old:   "l := w.lane\n\n\t\treturn push[T](func(_ context.Context, it *item, value *T) error {\n\t\t\tm.put(l, entry[T]{it, *value})\n\n\t\t\treturn errHeld",
			new: "l := w.lane\n\n\t\treturn push[T](func(_ context.Context, it *item, value *T) error {\n" +
				"early := *it; early.owner = &group{tally: new(tally)}; m.put(l, entry[T]{&early, *value})\n" +
				"it.outcome = connector.Delivered; return nil",
		},
		{
			name: "parallel-settles-early", breaks: 3, file: "flow/parallel.go",
			wrong: "a message is delivered as soon as a worker will get it",
			old:   "p.send(q)\n\t}\n\n\treturn errHeld",
			new: "early := *it; early.owner = &group{tally: new(tally)}; g.entries[len(g.entries)-1].it = &early\n" +
				"p.send(q); it.outcome = connector.Delivered; return nil\n\t}\n\n\treturn errHeld",
		},
		{
			name: "batch-settles-before-write", breaks: 3, file: "flow/batch.go",
			wrong: "the members of a batch are delivered before the sink has them",
			old:   "err := write(ctx, c, sink, messages)\n\t\t\tfor i, m := range members {",
			new: "for _, m := range members { c.ended(m.it, connector.Delivered); m.it.complete(nil) }\n" +
				"err := write(ctx, c, sink, messages)\n\t\t\tfor i, m := range members[:0] {",
		},
		{
			name: "return-is-the-outcome", breaks: 3, file: "flow/chunk.go",
			wrong: "a message that a stage keeps is delivered when the push returns",
			old:   "err := next(ctx, it, &c.messages[i].Value)\n",
			new: "err := next(ctx, it, &c.messages[i].Value)\n" +
				"if err == errHeld { it.outcome, err = connector.Delivered, nil }\n",
		},
		{
			name: "settlement-says-delivered", breaks: 3, file: "flow/book.go",
			wrong: "the source hears delivered, whatever became of the message",
			old:   "s := connector.Settlement{Position: it.origin.Position(), Outcome: it.outcome,",
			new:   "s := connector.Settlement{Position: it.origin.Position(), Outcome: connector.Delivered,",
		},
		{
			name: "group-settlement-says-delivered", breaks: 3, file: "flow/book.go",
			wrong: "the source hears delivered of the members of a group, whatever became of it",
			old:   "connector.Settlement{Position: it.origin.Position(), Outcome: it.outcome, Cause: it.cause})",
			new:   "connector.Settlement{Position: it.origin.Position(), Outcome: connector.Delivered, Cause: it.cause})",
		},
		{
			name: "inline-settlement-says-delivered", breaks: 3, file: "flow/tab.go",
			wrong: "an inline source hears delivered of what was filtered or dead-lettered",
			old:   "t.settlements[t.ended].Outcome = t.it.outcome",
			new:   "t.settlements[t.ended].Outcome = connector.Delivered",
		},
		{
			name: "inline-settlement-keeps-cause", breaks: 3, file: "flow/chunk.go",
			wrong: "a settlement has the cause of an earlier message",
			old:   "s.Position, s.Cause, s.Delay = messages[i].Position(), nil, 0",
			new:   "s.Position, s.Delay = messages[i].Position(), 0",
		},
		{
			name: "inline-settlement-keeps-delay", breaks: 3, file: "flow/chunk.go",
			wrong: "a settlement has the delay of an earlier message",
			old:   "s.Position, s.Cause, s.Delay = messages[i].Position(), nil, 0",
			new:   "s.Position, s.Cause = messages[i].Position(), nil",
		},
		{
			name: "plain-item-with-frames", breaks: 1, file: "flow/item.go",
			wrong: "a message of an inline source ends without the frames that it has passed",
			old:   "return it.frame == nil && it.path == nil", new: "return it.path == nil",
		},
		{
			name: "inline-counts-forgotten", breaks: 2, file: "flow/ledger.go",
			wrong: "what an inline source counted is lost when its run ends",
			old:   "t.outcomes[outcome].Add(n)\n\t}\n}\n\nfunc (t *tally) line", new: "_, _ = outcome, n\n\t}\n}\n\nfunc (t *tally) line",
		},
		{
			name: "inline-counts-not-shown", breaks: 2, file: "flow/counter.go",
			wrong: "a stage of an inline source has counted nothing while its run goes on",
			old:   "in += c.shown\n", new: "in += 0 * c.shown\n",
		},
	}
}

// sourceFaults lose or disorder what a source is told, or what it hands out.
func sourceFaults() []fault {
	return []fault{
		{
			name: "last-settlement-of-chunk-lost", breaks: 3, file: "flow/tab.go",
			wrong: "the last message of a chunk is not settled",
			old:   "t.book.settleNow(ended)",
			new:   "t.book.settleNow(ended[:len(ended)-1])",
		},
		{
			name: "ordered-source-settled-out-of-order", breaks: 3, file: "flow/book.go",
			wrong: "an ordered source gets settlements with gaps",
			old:   "case b.caps.Ordered:\n\t\tb.inOrder(number, s)",
			new:   "case false:\n\t\tb.inOrder(number, s)",
		},
		{
			name: "ordered-source-settled-after-failure", breaks: 3, file: "flow/book.go",
			wrong: "an ordered source gets settlements behind one that it did not take",
			old:   "if err != nil && b.caps.Ordered {",
			new:   "if false {",
		},
		{
			name: "file-cannot-take-back", breaks: 3, file: "flow/book.go",
			wrong: "the pipeline goes on after a message that its source cannot take back",
			old:   "if !b.caps.Returns {",
			new:   "if false {",
		},
		{
			name: "settle-failure-ignored", breaks: 3, file: "flow/book.go",
			wrong: "the pipeline goes on when a source does not take settlements",
			old:   "if err != nil {\n\t\tb.run.fail(fmt.Errorf(\"settle",
			new:   "if false {\n\t\tb.run.fail(fmt.Errorf(\"settle",
		},
		{
			name: "settle-not-repeated", breaks: 3, file: "flow/run.go",
			wrong: "a settlement that failed for a moment stops the pipeline",
			old:   "settling: retry.Policy{Attempts: 5,",
			new:   "settling: retry.Policy{Attempts: 1,",
		},
		{
			name: "eof-drops-messages", breaks: 3, file: "flow/intake.go",
			wrong: "messages that come together with io.EOF are lost",
			old:   "case errors.Is(err, io.EOF), ctx.Err() != nil:\n\t\treturn messages, false",
			new:   "case errors.Is(err, io.EOF), ctx.Err() != nil:\n\t\treturn nil, false",
		},
		{
			name: "read-error-drops-messages", breaks: 3, file: "flow/intake.go",
			wrong: "messages that come together with an error are lost",
			old:   "s.failed = err\n\n\t\treturn messages, true",
			new:   "s.failed = err\n\n\t\treturn nil, true",
		},
		{
			name: "refused-by-queue-is-delivered", breaks: 3, file: "flow/via.go",
			wrong: "a message that the queue of a Via refused counts as delivered",
			old:   "s.written(waiting[i].it, numbers[i], fate(err, i, len(waiting)))",
			new:   "_ = err; s.written(waiting[i].it, numbers[i], fate(nil, i, len(waiting)))",
		},
		{
			name: "stored-group-deleted-on-failure", breaks: 3, file: "flow/aggregate_stored.go",
			wrong: "a stored group that failed below is deleted",
			old:   "if err == nil {\n\t\terr = guard(func() error { return d.store.Delete(",
			new:   "if true {\n\t\terr = guard(func() error { return d.store.Delete(",
		},
		{
			name: "stored-group-emitted-for-ever", breaks: 3, file: "flow/aggregate_stored.go",
			wrong: "a stored group that has ended below is emitted again by the next run",
			old:   "return d.store.Delete(d.run.settleCtx, d.name, connector.Any)",
			new:   "return nil",
		},
		{
			name: "request-answered-before-outcome", breaks: 3, file: "connector/httpconn/intake.go",
			wrong: "a request is answered 200 as soon as it is queued",
			old:   "select {\n\tcase s := <-e.settled:\n\t\treturn i.reply(w, e, s)\n\tcase <-r.Context().Done():",
			new: "if true { return i.reply(w, e, connector.Settlement{Outcome: connector.Delivered}) }\n" +
				"select {\n\tcase s := <-e.settled:\n\t\treturn i.reply(w, e, s)\n\tcase <-r.Context().Done():",
		},
		{
			name: "late-request-may-be-sent-again", breaks: 3, file: "connector/httpconn/intake.go",
			wrong: "a request whose message is on its way is answered as if it had been taken back",
			old:   "if i.desk.withdraw(e) {",
			new:   "if i.desk.withdraw(e) || true {",
		},
		{
			name: "closed-intake-forgets-requests", breaks: 3, file: "connector/httpconn/desk.go",
			wrong: "requests that wait are not answered when the last reader closes",
			old:   "for _, e := range d.line {\n\t\td.finish(e, back)\n\t}",
			new:   "",
		},
	}
}

// ledgerFaults count wrongly.
func ledgerFaults() []fault {
	return []fault{
		{
			name: "counted-twice", breaks: 2, file: "flow/book.go",
			wrong: "an outcome counts twice",
			old:   "b.tally.leave(s.Outcome)", new: "b.tally.leave(s.Outcome); b.tally.leave(s.Outcome)",
		},
		{
			name: "inline-counted-twice", breaks: 2, file: "flow/tab.go",
			wrong: "an outcome of an inline source counts twice",
			old:   "t.counted.outcomes[ended[i].Outcome]++", new: "t.counted.outcomes[ended[i].Outcome] += 2",
		},
		{
			name: "part-not-counted", breaks: 2, file: "flow/fan.go",
			wrong: "a part of a split or a branch is not in the derived line",
			old:   "f.tally.enter(1)", new: "",
		},
		{
			name: "batch-result-not-counted", breaks: 2, file: "flow/fan.go",
			wrong: "the result of a batch or a group is not in the derived line",
			old:   "\ttally.enter(1)\n\tmade := &struct", new: "\tmade := &struct",
		},
		{
			name: "filtered-is-delivered", breaks: 2, file: "flow/map.go",
			wrong: "what a Filter ends counts as delivered",
			old:   "c.ended(it, connector.Filtered)", new: "c.ended(it, connector.Delivered)",
		},
		{
			name: "empty-split-is-delivered", breaks: 2, file: "flow/split.go",
			wrong: "a message without parts counts as delivered",
			old:   "s.c.ended(it, connector.Filtered)", new: "s.c.ended(it, connector.Delivered)",
		},
		{
			name: "dropped-is-delivered", breaks: 2, file: "flow/buffer.go",
			wrong: "what a full Buffer drops counts as delivered",
			old:   "c.ended(it, connector.Dropped)", new: "c.ended(it, connector.Delivered)",
		},
		{
			name: "unconfirmed-not-reported", breaks: 2, file: "flow/book.go",
			wrong: "Run does not say that outcomes were not confirmed",
			old:   "b.unconfirmed += n", new: "",
		},
		{
			name: "stage-counters-not-flushed", breaks: 2, file: "flow/lane.go",
			wrong: "the statistics of stages lack what they counted last",
			old:   "c.flush()", new: "_ = c",
		},
		{
			name: "cancelled-call-is-failed", breaks: 2, file: "flow/step.go",
			wrong: "a call that its caller cancelled counts as failed",
			old:   "c.cancelled.Add(1)", new: "c.failed.Add(1)",
		},
	}
}

// holdFaults forget a message that a stage keeps, or let its parent go too soon.
func holdFaults() []fault {
	return []fault{
		{
			name: "buffer-forgets-evicted", breaks: 1, file: "flow/buffer.go",
			wrong: "the message that makes room in a Buffer never ends",
			old:   "lost.it.complete(nil)", new: "",
		},
		{
			name: "batch-forgets-last-member", breaks: 1, file: "flow/batch.go",
			wrong: "the last message of a batch is not written",
			old:   "for _, m := range members {\n\t\t\t\tmessages = append(", new: "for _, m := range members[:len(members)-1] {\n\t\t\t\tmessages = append(",
		},
		{
			name: "failed-batch-forgets-members", breaks: 1, file: "flow/batch.go",
			wrong: "the members of a batch whose function failed never end, but for one",
			old:   "for _, m := range members {\n\t\tm.it.complete(c.fail(m.it, err))", new: "for _, m := range members[:1] {\n\t\tm.it.complete(c.fail(m.it, err))",
		},
		{
			name: "group-forgets-first-member", breaks: 1, file: "flow/fan.go",
			wrong: "the first member of a group never ends",
			old:   "for _, m := range g.members {\n\t\tm.complete(err)", new: "for _, m := range g.members[1:] {\n\t\tm.complete(err)",
		},
		{
			name: "delivered-group-forgets-first-member", breaks: 1, file: "flow/book.go",
			wrong: "the first member of a group that ended without an error never ends",
			old:   "for _, it := range items {\n\t\tit.done = true", new: "for _, it := range items[1:] {\n\t\tit.done = true",
		},
		{
			name: "series-part-not-counted", breaks: 2, file: "flow/series.go",
			wrong: "the parts of a split that nobody keeps are not in the derived line",
			old:   "s.tally.enter(n)", new: "",
		},
		{
			name: "series-forgets-failed-part", breaks: 4, file: "flow/series.go",
			wrong: "a message ends well although a part that nobody keeps failed",
			old:   "case err != nil:\n\t\ts.failed = append(s.failed, err)", new: "case err != nil:",
		},
		{
			name: "series-forgets-failed-split", breaks: 4, file: "flow/series.go",
			wrong: "a message whose iterator failed is delivered, if nobody keeps its parts",
			old:   "if err != nil {\n\t\ts.failed = append(s.failed, err)\n\t}", new: "",
		},
		{
			name: "series-wrong-severity", breaks: 4, file: "flow/series.go",
			wrong: "the mildest outcome of the parts that nobody keeps counts",
			old:   "case it.outcome > s.outcome:", new: "case s.outcome == 0 || it.outcome < s.outcome:",
		},
		{
			name: "group-member-keeps-own-outcome", breaks: 4, file: "flow/fan.go",
			wrong: "the members of a group do not end as the group does",
			old:   "m.absorb(it.outcome, it.cause)", new: "m.absorb(connector.Delivered, nil)",
		},
		{
			name: "parent-ends-with-first-part", breaks: 4, file: "flow/fan.go",
			wrong: "a parent may end while its parts are still being made",
			old:   "f.open.Store(1)", new: "f.open.Store(0)",
		},
		{
			name: "failed-part-forgotten", breaks: 4, file: "flow/fan.go",
			wrong: "a parent is delivered although a part failed",
			old:   "case err != nil:\n\t\tf.failed = append(f.failed, err)", new: "case err != nil:",
		},
		{
			name: "split-failure-forgotten", breaks: 4, file: "flow/fan.go",
			wrong: "a message whose iterator failed is delivered",
			old:   "if err != nil {\n\t\tf.mu.Lock()\n\t\tf.failed = append(f.failed, err)\n\t\tf.mu.Unlock()\n\t}", new: "",
		},
		{
			name: "mildest-part-counts", breaks: 4, file: "flow/fan.go",
			wrong: "a parent ends with the mildest outcome of its parts",
			old:   "case it.outcome > f.outcome:", new: "case f.outcome == connector.Pending || it.outcome < f.outcome:",
		},
		{
			name: "later-outcome-counts", breaks: 4, file: "flow/item.go",
			wrong: "a milder outcome takes the place of a more severe one",
			old:   "if outcome > it.outcome {", new: "if outcome != it.outcome {",
		},
		{
			name: "wrong-severity", breaks: 4, file: "connector/outcome.go",
			wrong: "delivered is milder than duplicate",
			old:   "\tDuplicate\n\t// Delivered means that every sink accepted the message.\n\tDelivered\n",
			new:   "\tDelivered\n\t// Delivered means that every sink accepted the message.\n\tDuplicate\n",
			tests: []string{"flow", "connector"},
		},
		{
			name: "via-forgets-near-side", breaks: 1, file: "flow/via.go",
			wrong: "a message that crossed a queue in memory never ends on its near side",
			old:   "l.near.complete(err)", new: "",
		},
		{
			name: "via-loses-far-outcome", breaks: 4, file: "flow/via.go",
			wrong: "a message that crossed a queue in memory does not end as it ended there",
			old:   "l.near.absorb(it.outcome, it.cause)", new: "l.near.absorb(connector.Delivered, nil)",
		},
		{
			name: "once-forgets-those-behind", breaks: 1, file: "flow/once.go",
			wrong: "messages that wait for one of the same key never end",
			old:   "for _, it := range behind {", new: "for _, it := range behind[:0] {",
		},
		{
			name: "success-skips-frames", breaks: 1, file: "flow/item.go",
			wrong: "a message that is done does not pass Once and DeadLetter on its way back",
			old:   "for it.frame != nil {", new: "for it.frame != nil && err != nil {",
		},
		{
			name: "parallel-forgets-rests", breaks: 1, file: "flow/parallel.go",
			wrong: "what stages inside a parallel body let go at the end is lost",
			old:   "p.queues = nil\n\tfor p.running > 0 {", new: "p.queues = nil\n\tfor false {",
		},
		{
			name: "parallel-forgets-early-results", breaks: 1, file: "flow/parallel.go",
			wrong: "an ordered parallel stage lets go one result at a time, and keeps the rest",
			old:   "delete(p.early, p.due)\n\t\tp.done = append(p.done, j)", new: "delete(p.early, p.due)\n\t\tp.done = append(p.done, j); p.due++; return",
		},
		{
			name: "aggregate-forgets-members", breaks: 1, file: "flow/aggregate.go",
			wrong: "open groups are forgotten at the end of the input",
			old:   "a.emit(ctx, g, InputEnded)", new: "a.remove(g)",
		},
	}
}
