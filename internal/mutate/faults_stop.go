package main

// drainFaults lose messages at the end of a run, or end it at the wrong time.
func drainFaults() []fault {
	return []fault{
		{
			name: "last-batch-dropped", breaks: 9, file: "flow/batch.go",
			wrong: "a batch that is not full is lost at the end",
			old:   "w.lane.finals = append(w.lane.finals, b.flush)", new: "",
		},
		{
			name: "stages-end-from-below", breaks: 9, file: "flow/lane.go",
			wrong: "a lower stage ends before what is above it has let go",
			old:   "l.finals[last](ctx)\n\t\tl.finals = l.finals[:last]", new: "l.finals[0](ctx)\n\t\tl.finals = l.finals[1:]",
		},
		{
			name: "merge-ends-with-first-source", breaks: 9, file: "flow/buffer.go",
			wrong: "a Merge ends when the first of its flows has ended",
			old:   "mergeRoom, len(n.ups))", new: "mergeRoom, 1)",
		},
		{
			name: "stop-forgets-queue-in-memory", breaks: 9, file: "flow/via.go",
			wrong: "what is inside a queue in memory is lost when the pipeline stops",
			old:   "inside[number].complete(connector.ErrStopped)", new: "_ = number",
		},
		{
			name: "stop-emits-half-groups", breaks: 9, file: "flow/aggregate.go",
			wrong: "a stop makes results of groups that are not complete",
			old:   "if !a.c.lane.run.stopping() {", new: "if true {",
		},
		{
			name: "stop-emits-stored-groups", breaks: 9, file: "flow/aggregate_stored.go",
			wrong: "a stop makes results of stored groups that are not complete",
			old:   "if a.run.stopping() {\n\t\treturn\n\t}", new: "",
		},
		{
			name: "stop-goes-on-reading", breaks: 9, file: "flow/run.go",
			wrong: "a pipeline that was stopped goes on to take messages in",
			old:   "r.stopReading(cause)\n", new: "_ = cause\n",
		},
		{
			name: "stop-does-not-wait", breaks: 9, file: "flow/pipeline.go",
			wrong: "Stop returns before the pipeline has ended",
			old:   "<-r.ended // only then is counted what the sources did not learn", new: "",
		},
		{
			name: "drain-without-time", breaks: 9, file: "flow/run.go",
			wrong: "a stop ends user functions at once",
			old:   "time.AfterFunc(max(limit, 0), r.abort)", new: "time.AfterFunc(0, r.abort)",
		},
		{
			name: "drain-without-end", breaks: 9, file: "flow/run.go",
			wrong: "a stop waits for user functions beyond the deadline",
			old:   "time.AfterFunc(max(limit, 0), r.abort)", new: "time.AfterFunc(1000*time.Hour, r.abort)",
		},
		{
			name: "grace-without-end", breaks: 9, file: "flow/run.go",
			wrong: "a user function that ignores its context keeps Run for ever",
			old:   "default:\n\t\t\tr.giveUp()", new: "default:",
		},
		{
			name: "grace-without-time", breaks: 9, file: "flow/run.go",
			wrong: "Run does not wait for user functions that end soon after their context",
			old:   "time.AfterFunc(r.config.Grace, func()", new: "time.AfterFunc(0, func()",
		},
		{
			name: "left-not-reported", breaks: 9, file: "flow/run.go",
			wrong: "Run returns nil although messages are in flight",
			old:   "if left.InFlight == 0 && (r.failure != nil || left.Unconfirmed == 0) {", new: "if true {",
		},
		{
			name: "work-goes-on-after-deadline", breaks: 9, file: "flow/worker.go",
			wrong: "a worker begins further messages after the drain deadline",
			old:   "if aborted.Load() {\n\t\t\te.it.complete(connector.ErrStopped)", new: "if false {\n\t\t\te.it.complete(connector.ErrStopped)",
		},
		{
			name: "chunk-goes-on-after-deadline", breaks: 9, file: "flow/chunk.go",
			wrong: "the rest of a chunk runs after the drain deadline",
			old:   "if aborted.Load() {\n\t\t\tit.complete(connector.ErrStopped)", new: "if aborted == nil {\n\t\t\tit.complete(connector.ErrStopped)",
		},
		{
			name: "sink-not-flushed", breaks: 9, file: "flow/run.go",
			wrong: "a sink keeps back what it holds at the end of a run",
			old:   "return s.sink.Flush(r.settleCtx)", new: "return nil",
		},
		{
			name: "delivery-hides-flush", breaks: 9, file: "flow/into.go",
			wrong: "a sink with policies is not flushed",
			old:   "return f.Flush(ctx)", new: "_ = f; return nil",
		},
		{
			name: "loop-left-drops-current", breaks: 9, file: "flow/all.go",
			wrong: "the value on which a loop was left is not delivered",
			old:   "l.verdict(nil)\n", new: "if more { l.verdict(nil) } else { l.verdict(connector.ErrStopped) }\n",
		},
	}
}

// stopFaults take a stop for a failure of the message.
func stopFaults() []fault {
	return []fault{
		{
			name: "stop-is-dead-lettered", breaks: 6, file: "flow/deadletter.go",
			wrong: "a message that a stop interrupts becomes a dead letter",
			old:   "if err != nil && !f.to.run.stopped(err) {", new: "if err != nil {",
		},
		{
			name: "stop-is-a-failure", breaks: 6, file: "flow/run.go",
			wrong: "nothing tells a stop from a failure of the message",
			old:   "return r.ctx.Err() != nil || errors.Is(err, connector.ErrStopped)", new: "return false",
		},
		{
			name: "stop-returned-with-other-cause", breaks: 6, file: "flow/book.go",
			wrong: "the source takes a message that a stop returned for one that failed",
			old:   "s.Cause = asStopped(err)", new: "",
		},
		{
			name: "stop-counts-as-attempt", breaks: 6, file: "connector/queueconn/settle.go",
			wrong: "a message that a stop returned has one attempt less",
			old:   "comeback{e, due(now, s.Delay), e.spared + 1}", new: "comeback{e, due(now, s.Delay), e.spared}",
		},
		{
			name: "retry-through-stop", breaks: 6, file: "flow/retry.go",
			wrong: "a Retry goes on with what a stop interrupted",
			old:   "if c.lane.run.stopped(err) {", new: "if false {",
		},
		{
			name: "stopped-aggregate-stays-failed", breaks: 6, file: "flow/aggregate_stored.go",
			wrong: "a stored group that a stop interrupts fails the pipeline",
			old:   "if err != nil && !d.run.stopped(err) {", new: "if err != nil {",
		},
		{
			name: "supervisor-restarts-stopped", breaks: 6, file: "flow/supervisor.go",
			wrong: "a pipeline that was stopped is started again",
			old:   "if err == nil || stopped.Err() != nil {\n\t\t\treturn err", new: "if err == nil {\n\t\t\treturn err",
		},
	}
}

// retryFaults repeat what must not be repeated, or not as it should be.
func retryFaults() []fault {
	return []fault{
		{
			name: "permanent-retried", breaks: 10, file: "retry/policy.go",
			wrong: "a permanent error is tried again",
			old:   "case connector.ClassPermanent:\n\t\treturn false", new: "case connector.ClassPermanent:\n\t\treturn true",
		},
		{
			name: "ambiguous-retried", breaks: 10, file: "retry/policy.go",
			wrong: "an ambiguous error is tried again without Idempotent",
			old:   "return p.Idempotent", new: "return true",
		},
		{
			name: "layers-multiply", breaks: 10, file: "retry/policy.go",
			wrong: "an outer policy repeats what an inner one gave up",
			old:   "[*ExhaustedError](err); exhausted {", new: "[*ExhaustedError](err); exhausted && false {",
		},
		{
			name: "retry-after-uncapped", breaks: 10, file: "retry/delay.go",
			wrong: "a peer decides how long the pipeline sleeps",
			old:   "min(after, p.MaxRetryAfter)", new: "after",
		},
		{
			name: "one-attempt-too-many", breaks: 10, file: "retry/delay.go",
			wrong: "work is done once more than Attempts allows",
			old:   "if attempt >= p.Attempts ||", new: "if attempt > p.Attempts ||",
		},
		{
			name: "elapsed-unbounded", breaks: 10, file: "retry/delay.go",
			wrong: "MaxElapsed has no effect",
			old:   "if delay > p.MaxElapsed-elapsed {", new: "if false {",
		},
		{
			name: "sleep-past-deadline", breaks: 10, file: "retry/do.go",
			wrong: "a retry waits out a deadline that it cannot meet",
			old:   "time.Until(deadline) <= d {", new: "time.Until(deadline) <= -d {",
		},
		{
			name: "context-not-checked-first", breaks: 10, file: "retry/do.go",
			wrong: "work begins although its context has ended",
			old:   "if ctx.Err() != nil {\n\t\treturn fmt.Errorf(\"retry: not attempted", new: "if false {\n\t\treturn fmt.Errorf(\"retry: not attempted",
		},
		{
			name: "cancelled-attempt-retried", breaks: 10, file: "retry/do.go",
			wrong: "an attempt that the context ended is followed by a sleep",
			old:   "if ctx.Err() != nil && errors.Is(err, ctx.Err()) {", new: "if false {",
		},
		{
			name: "time-out-not-ambiguous", breaks: 10, file: "flow/into.go",
			wrong: "a time-out looks as if nothing had happened",
			old:   "return connector.Ambiguous(fmt.Errorf(\"no answer within", new: "return connector.Transient(fmt.Errorf(\"no answer within",
		},
		{
			name: "sink-assumed-idempotent", breaks: 10, file: "flow/into.go",
			wrong: "a Write whose fate is unclear is repeated on any sink",
			old:   "policy.Idempotent = policy.Idempotent || connector.Describe(d.inner).Idempotent", new: "policy.Idempotent = true",
		},
		{
			name: "ambiguous-commit-transient", breaks: 10, file: "connector/sqlconn/fault.go",
			wrong: "a commit that may have happened is repeated",
			old:   "case unnamed, refused, passing:\n\t\treturn connector.Ambiguous(err)", new: "case unnamed, refused, passing:\n\t\treturn connector.Transient(err)",
		},
		{
			name: "post-repeated-after-send", breaks: 10, file: "connector/httpconn/endpoint.go",
			wrong: "a request that is not idempotent is repeated after it was sent",
			old:   "return connector.Ambiguous(err)", new: "return connector.Transient(err)",
		},
		{
			name: "supervisor-restarts-for-ever", breaks: 10, file: "flow/supervisor.go",
			wrong: "a wrong definition, or a permanent error, is started again",
			old:   "|| final(err) || classify(err) == connector.ClassPermanent {", new: "{",
		},
		{
			name: "returned-without-delay", breaks: 10, file: "flow/book.go",
			wrong: "a message that failed comes back in a hot loop",
			old:   "s.Delay = returnDelay(it.origin, err)\n\tif !b.caps.Returns {", new: "if !b.caps.Returns {",
		},
		{
			name: "stopped-by-itself-without-delay", breaks: 10, file: "flow/book.go",
			wrong: "a message whose stage says that it was stopped comes back in a hot loop",
			old:   "s.Delay = returnDelay(it.origin, err) // a stage says so by itself, and would again at once", new: "",
		},
	}
}

// panicFaults swallow what a user function does instead of returning.
func panicFaults() []fault {
	return []fault{
		{
			name: "panic-swallowed", breaks: 11, file: "flow/fan.go",
			wrong: "a message whose stage panicked behind a crossing is delivered",
			old:   "err = l.panicked(it, r)", new: "it.outcome, err = connector.Delivered, nil",
		},
		{
			name: "panic-in-chunk-swallowed", breaks: 11, file: "flow/chunk.go",
			wrong: "a message whose stage panicked is delivered",
			old:   "it.complete(l.panicked(it, r))", new: "it.outcome = connector.Delivered; it.complete(nil)",
		},
		{
			name: "panic-ends-chunk", breaks: 11, file: "flow/chunk.go",
			wrong: "a panic takes the messages behind it with it",
			old:   "resume = c.at + 1", new: "resume = len(c.messages)",
		},
		{
			name: "panic-in-batch-swallowed", breaks: 11, file: "flow/batch.go",
			wrong: "a batch whose function panicked goes on",
			old:   "err = permanent(&PanicError{Value: r, Stack: debug.Stack()})", new: "_ = debug.Stack",
		},
		{
			name: "panic-in-split-swallowed", breaks: 11, file: "flow/split.go",
			wrong: "a message whose iterator panicked is delivered",
			old:   "err = permanent(&PanicError{Value: r, Stack: debug.Stack()})", new: "_ = debug.Stack",
		},
		{
			name: "panic-in-sink-swallowed", breaks: 11, file: "flow/sink.go",
			wrong: "a batch whose sink panicked is delivered",
			old:   "err = connector.Permanent(&PanicError{Value: r, Stack: debug.Stack()})", new: "_ = debug.Stack",
		},
		{
			name: "panic-in-driver-swallowed", breaks: 11, file: "flow/states.go",
			wrong: "a panic of a driver counts as success",
			old:   "err = permanent(&PanicError{Value: r, Stack: debug.Stack()})", new: "_ = debug.Stack",
		},
		{
			name: "panic-in-read-swallowed", breaks: 11, file: "flow/intake.go",
			wrong: "a panic in Read counts as the end of the input",
			old:   "err = connector.Permanent(&PanicError{Value: r, Stack: debug.Stack()})", new: "_ = debug.Stack; err = io.EOF",
		},
		{
			name: "goexit-in-chunk-swallowed", breaks: 11, file: "flow/chunk.go",
			wrong: "a message whose stage ended the goroutine never ends",
			old:   "} else if l.exits() { // nothing but a Goexit leaves the loop without a panic", new: "} else if false {",
		},
		{
			name: "goexit-swallowed", breaks: 11, file: "flow/fan.go",
			wrong: "a message whose stage ended the goroutine of a lane never ends",
			old:   "it.complete(l.panicked(it, errGoexit))", new: "",
		},
		{
			name: "goexit-leaves-lane", breaks: 11, file: "flow/run.go",
			wrong: "nobody goes on with a lane whose goroutine was ended",
			old:   "if resume != nil {", new: "if false {",
		},
		{
			name: "step-lost-by-goexit", breaks: 11, file: "flow/step.go",
			wrong: "a call that ends its goroutine counts as replied",
			old:   "err := errGoexit // which it stays if the goroutine ends inside", new: "var err error",
		},
		{
			name: "handler-call-panics", breaks: 11, file: "connector/httpconn/handlercall.go",
			wrong: "a panic behind a handler is answered with an empty success",
			old:   "c.no = panicked(cause)", new: "_ = cause",
		},
		{
			name: "handler-panics", breaks: 11, file: "connector/httpconn/handler.go",
			wrong: "a request whose decoding panics is answered with an empty success",
			old:   "no = panicked(cause)", new: "_ = cause",
		},
		{
			name: "transaction-kept-after-panic", breaks: 11, file: "connector/memory/store_update.go",
			wrong: "the changes of a transaction that panicked stay",
			old:   "defer t.end()", new: "",
		},
	}
}
