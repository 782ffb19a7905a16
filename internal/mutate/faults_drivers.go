package main

// durableFaults say yes before the disk has it.
func durableFaults() []fault {
	return []fault{
		{
			name: "file-not-synced", breaks: 8, file: "connector/fileconn/output.go",
			wrong: "a record is accepted before it is on disk",
			old:   "if err := o.file.Sync(); err != nil {\n\t\treturn fmt.Errorf(\"%w: sync: %w\", errSync, err)\n\t}\n\to.size += int64(len(text))", new: "o.size += int64(len(text))",
		},
		{
			name: "file-name-not-synced", breaks: 8, file: "connector/fileconn/output.go",
			wrong: "the name of a complete file may be lost in a power cut",
			old:   "o.disk.syncDir(filepath.Dir(o.final))", new: "error(nil)",
		},
		{
			name: "new-file-not-synced", breaks: 8, file: "connector/fileconn/output.go",
			wrong: "a new file may be lost in a power cut with all its records",
			old:   "err = d.syncDir(filepath.Dir(path))", new: "",
		},
		{
			name: "torn-tail-not-cut", breaks: 8, file: "connector/fileconn/sinkfiles.go",
			wrong: "records are written behind half a record",
			old:   "return out.cut(good, keep)", new: "_, _ = good, keep; return nil",
		},
		{
			name: "failed-write-not-undone", breaks: 8, file: "connector/fileconn/output.go",
			wrong: "half a record stays in the file after a failed write",
			old:   "if cutErr := o.file.Truncate(o.size); cutErr != nil {", new: "if cutErr := error(nil); cutErr != nil {",
		},
		{
			name: "file-goes-on-after-failed-sync", breaks: 8, file: "connector/fileconn/sink.go",
			wrong: "a sink goes on after a sync that failed",
			old:   "s.broken = err", new: "",
		},
		{
			name: "file-overwritten", breaks: 8, file: "connector/fileconn/output.go",
			wrong: "a complete file takes the place of one that exists",
			old:   "err == nil && !overwrite {", new: "err == nil && false {",
		},
		{
			name: "queue-not-synced", breaks: 8, file: "internal/boltfile/file.go", tests: []string{"connector/queueconn"},
			wrong: "a message is accepted before it is on disk",
			old:   "FreelistType: bolt.FreelistMapType, OpenFile: c.OpenFile,", new: "FreelistType: bolt.FreelistMapType, OpenFile: c.OpenFile, NoSync: true,",
		},
		{
			name: "queue-goes-on-after-failed-commit", breaks: 8, file: "connector/queueconn/commit.go",
			wrong: "a queue goes on after a commit that failed",
			old:   "return connector.Ambiguous(f.stop(err))", new: "return connector.Ambiguous(err)",
		},
		{
			name: "queue-record-not-checked", breaks: 19, file: "connector/queueconn/record.go",
			wrong: "a damaged record is handed out as a message",
			old:   "case binary.BigEndian.Uint32(data[sumAt:]) != checksum(data[bodyAt:]):", new: "case false:",
		},
		{
			name: "queue-forgets-attempts-in-crash", breaks: 8, file: "connector/queueconn/attempts.go",
			wrong: "a message that kills the process is handed out for ever",
			old:   "return a.size >= a.full, a.write(a.buf)", new: "return false, nil",
		},
		{
			name: "store-not-synced", breaks: 8, file: "internal/boltfile/file.go", tests: []string{"connector/boltstore"},
			wrong: "an entry is accepted before it is on disk",
			old:   "FreelistType: bolt.FreelistMapType, OpenFile: c.OpenFile,", new: "FreelistType: bolt.FreelistMapType, OpenFile: c.OpenFile, NoSync: true,",
		},
		{
			name: "store-goes-on-after-failed-commit", breaks: 8, file: "connector/boltstore/commit.go",
			wrong: "a store goes on after a commit that failed",
			old:   "stopped := l.commits.store.stop(cause)", new: "stopped := cause",
		},
		{
			name: "store-record-not-checked", breaks: 19, file: "connector/boltstore/record.go",
			wrong: "a damaged entry is returned as a value",
			old:   "binary.BigEndian.Uint32(data[sumAt:]) != checksum(bucket, key, data[bodyAt:]) {", new: "false {",
		},
		{
			name: "queue-name-not-synced", breaks: 8, file: "internal/boltfile/file.go", tests: []string{"connector/queueconn"},
			wrong: "a new queue may be lost in a power cut",
			old:   "syncdir.Sync(filepath.Dir(path))", new: "func(string) error { _ = syncdir.Sync; return nil }(filepath.Dir(path))",
		},
		{
			name: "store-name-not-synced", breaks: 8, file: "internal/boltfile/file.go", tests: []string{"connector/boltstore"},
			wrong: "a new store may be lost in a power cut",
			old:   "syncdir.Sync(filepath.Dir(path))", new: "func(string) error { _ = syncdir.Sync; return nil }(filepath.Dir(path))",
		},
		{
			name: "damaged-page-trusted", breaks: 19, file: "internal/boltcheck/open.go",
			wrong: "a damaged page of a file hides records",
			old:   "if err := File(path, buckets...); err != nil {", new: "if err := error(nil); err != nil {",
			tests: []string{"connector/queueconn", "connector/boltstore"},
		},
	}
}

// queueFaults break leases, attempts and delays.
func queueFaults() []fault {
	return []fault{
		{
			name: "lease-not-extended", breaks: 15, file: "flow/book.go",
			wrong: "a lease ends while its message is in flight",
			old:   "positions := b.positions()", new: "positions := b.positions()[:0]",
		},
		{
			name: "leases-end-before-settling", breaks: 15, file: "flow/run.go",
			wrong: "leases are not extended while the last settlements are under way",
			old:   "turns.Wait(r.keeper, \"end of settling\", r.serving.Wait)\n\tclose(r.settled)", new: "close(r.settled)\n\tturns.Wait(r.keeper, \"end of settling\", r.serving.Wait)",
		},
		{
			name: "queue-does-not-extend", breaks: 15, file: "connector/queueconn/lease.go",
			wrong: "Extend has no effect",
			old:   "e.until = until\n\ts.leases.remove(e)", new: "s.leases.remove(e)",
		},
		{
			name: "lease-of-another-reader-settled", breaks: 15, file: "connector/queueconn/lease.go",
			wrong: "a reader settles what another one has by now",
			old:   "if e == nil || e.holder != h || e.settling {", new: "if e == nil || e.settling {",
		},
		{
			name: "settled-twice", breaks: 15, file: "connector/queueconn/lease.go",
			wrong: "a message is settled while its settlement is being committed",
			old:   "if e == nil || e.holder != h || e.settling {", new: "if e == nil || e.holder != h {",
		},
		{
			name: "attempt-not-counted", breaks: 15, file: "connector/queueconn/reader.go",
			wrong: "a message is handed out without an end",
			old:   "m.entry.attempt++", new: "",
		},
		{
			name: "one-attempt-beyond-bound", breaks: 15, file: "connector/queueconn/schedule.go",
			wrong: "a message is handed out once more than MaxAttempts",
			old:   "return e.counted() >= s.maxAttempts", new: "return e.counted() > s.maxAttempts",
		},
		{
			name: "redelivered-without-delay", breaks: 15, file: "connector/queueconn/schedule.go",
			wrong: "a returned message is handed out before its delay is over",
			old:   "if e.due.IsZero() {\n\t\ts.ready.push(e)", new: "if true {\n\t\ts.ready.push(e)",
		},
		{
			name: "settled-message-comes-back", breaks: 15, file: "connector/queueconn/durable.go",
			wrong: "what was settled is handed out again after a restart",
			old:   "for _, e := range c.done {", new: "for _, e := range c.done[:0] {",
		},
		{
			name: "returned-standing-not-stored", breaks: 15, file: "connector/queueconn/durable.go",
			wrong: "a restart forgets the delay and the attempts of a returned message",
			old:   "for _, r := range c.back {", new: "for _, r := range c.back[:0] {",
		},
		{
			name: "closed-reader-keeps-messages", breaks: 15, file: "connector/queueconn/reader.go",
			wrong: "what a closed reader had waits for the end of its lease",
			old:   "q.schedule.release(r.holder)", new: "",
		},
		{
			name: "last-attempt-in-company", breaks: 15, file: "connector/queueconn/schedule.go",
			wrong: "a message that kills the process takes others with it on its last attempt",
			old:   "alone := s.last(s.ready.items[0])", new: "alone := false",
		},
	}
}

// storeFaults let two writers win.
func storeFaults() []fault {
	return []fault{
		{
			name: "compare-and-set-always-succeeds", breaks: 18, file: "connector/boltstore/kv.go",
			wrong: "a change goes ahead whatever the version is",
			old:   "if expect == connector.Any || expect == found {", new: "if true {",
		},
		{
			name: "memory-compare-and-set-always-succeeds", breaks: 18, file: "connector/memory/store_kv.go",
			wrong: "a change goes ahead whatever the version is, in memory",
			old:   "if r.value.version == expect {", new: "if true {",
		},
		{
			name: "ttl-ignored", breaks: 18, file: "connector/boltstore/record.go",
			wrong: "an entry outlives its ttl",
			old:   "return r.expires != 0 && r.expires <= now.UnixNano()", new: "return false",
		},
		{
			name: "memory-ttl-ignored", breaks: 18, file: "connector/memory/store_kv.go",
			wrong: "an entry outlives its ttl, in memory",
			old:   "return now.Add(ttl)", new: "return time.Time{}",
		},
		{
			name: "token-not-checked-on-confirm", breaks: 18, file: "connector/boltstore/confirm.go",
			wrong: "a claim that was lost to another is confirmed",
			old:   "if l != nil && l.token == claim.Token {", new: "if l != nil {",
		},
		{
			name: "token-not-checked-on-release", breaks: 18, file: "connector/boltstore/claims.go",
			wrong: "a claim that was lost releases the key of its successor",
			old:   "l != nil && l.token == claim.Token && l.confirming == 0 {", new: "l != nil && l.confirming == 0 {",
		},
		{
			name: "token-not-checked-on-extend", breaks: 18, file: "connector/boltstore/claims.go",
			wrong: "a claim that was lost extends the lease of its successor",
			old:   "if l == nil || l.token != claim.Token {\n\t\t\terrs", new: "if l == nil {\n\t\t\terrs",
		},
		{
			name: "memory-token-not-checked", breaks: 18, file: "connector/memory/store_claims.go",
			wrong: "a claim that was lost is confirmed, in memory",
			old:   "r, ok := s.claims.rows[claim.Key]\n\n\treturn ok && r.value.token == claim.Token", new: "_, ok := s.claims.rows[claim.Key]\n\n\treturn ok",
		},
		{
			name: "claimed-key-claimed-again", breaks: 18, file: "connector/boltstore/claims.go",
			wrong: "two hold a key at the same time",
			old:   "if held != nil && (held.confirming > 0 || held.until.After(now)) {", new: "if false {",
		},
		{
			name: "claim-taken-while-confirmed", breaks: 18, file: "connector/boltstore/claims.go",
			wrong: "a key is taken over while its confirmation is being committed",
			old:   "(held.confirming > 0 || held.until.After(now))", new: "held.until.After(now)",
		},
		{
			name: "confirmed-key-claimed-again", breaks: 18, file: "connector/boltstore/claims.go",
			wrong: "a key that is done is claimed again",
			old:   "if err := c.unconfirmed(key); err != nil {", new: "if err := c.unconfirmed(key); err != nil && false {",
		},
		{
			name: "failed-confirmation-forgets-claim", breaks: 18, file: "connector/boltstore/confirm.go",
			wrong: "a claim is given up although its confirmation failed",
			old:   "s.claims.settle(held, err == nil)", new: "s.claims.settle(held, true)",
		},
		{
			name: "failed-transaction-committed", breaks: 18, file: "connector/boltstore/commit.go",
			wrong: "the changes of a transaction that failed half way stay",
			old:   "if ch.err == nil || w.changes == before && !errors.Is(ch.err, errBroken) {", new: "if ch.err == nil || w.changes == before || true {",
		},
		{
			name: "message-counted-again", breaks: 18, file: "flow/aggregate_tx.go",
			wrong: "a message that comes again is in its stored group twice",
			old:   "if err != nil || seen {", new: "if err != nil || seen && false {",
		},
		{
			name: "fold-counts-again", breaks: 18, file: "flow/fold.go",
			wrong: "a message that comes again counts twice in its stored state",
			old:   "if err != nil || seen {", new: "if err != nil || seen && false {",
		},
		{
			name: "fold-keeps-failed", breaks: 18, file: "flow/fold.go",
			wrong: "a message that failed below stays in the state of its key",
			old:   "case known:\n\t\t\t\tstate[k] = before", new: "case known:",
		},
	}
}
