package main

// boundFaults let more in than a bound allows, by one where that is possible.
func boundFaults() []fault {
	return []fault{
		{
			name: "one-more-in-flight", breaks: 5, file: "flow/book.go",
			wrong: "one message more than MaxInFlight is in flight",
			old:   "return b.run.config.MaxInFlight - b.live", new: "return b.run.config.MaxInFlight - b.live + 1",
		},
		{
			name: "read-ignores-room", breaks: 5, file: "flow/intake.go",
			wrong: "a Read takes more than there is room for",
			old:   "messages, more = s.fetch(room)", new: "messages, more = s.fetch(s.run.config.MaxInFlight)",
		},
		{
			name: "batch-one-too-large", breaks: 5, file: "flow/batch.go",
			wrong: "a batch has one message more than its count",
			old:   "if len(b.members) >= b.spec.count {", new: "if len(b.members) > b.spec.count {",
		},
		{
			name: "batch-too-many-bytes", breaks: 5, file: "flow/batch.go",
			wrong: "a batch has one byte more than its limit",
			old:   "if b.bytes+size > b.spec.bytes {", new: "if b.bytes+size > b.spec.bytes+1 {",
		},
		{
			name: "buffer-one-too-many", breaks: 5, file: "flow/mailbox.go",
			wrong: "one message more than its size waits in a Buffer",
			old:   "for m.limit > 0 && len(m.waiting) >= m.limit {", new: "for m.limit > 0 && len(m.waiting) > m.limit {",
		},
		{
			name: "dropping-buffer-one-too-many", breaks: 5, file: "flow/mailbox.go",
			wrong: "one message more than its size waits in a Buffer that drops",
			old:   "if full = m.limit > 0 && len(m.waiting) >= m.limit; full {", new: "if full = m.limit > 0 && len(m.waiting) > m.limit; full {",
		},
		{
			name: "aggregate-one-key-too-many", breaks: 5, file: "flow/aggregate.go",
			wrong: "an Aggregate has one group more than MaxKeys",
			old:   "len(a.groups) >= most {", new: "len(a.groups) > most {",
		},
		{
			name: "stored-aggregate-one-key-too-many", breaks: 5, file: "flow/aggregate_tx.go",
			wrong: "a stored Aggregate has one group more than MaxKeys",
			old:   "t.size >= most {", new: "t.size > most {",
		},
		{
			name: "fold-one-key-too-many", breaks: 5, file: "flow/fold.go",
			wrong: "a Fold has one key more than MaxKeys",
			old:   "!known && len(state) >= most {", new: "!known && len(state) > most {",
		},
		{
			name: "full-pipeline-holds-batch", breaks: 5, file: "flow/batch.go",
			wrong: "a batch without a wait keeps what it has when the pipeline is full, for ever",
			old:   "held := len(b.members) > 0\n\t\tb.flush(ctx)", new: "held := len(b.members) > 0",
		},
		{
			name: "full-pipeline-holds-groups", breaks: 5, file: "flow/aggregate.go",
			wrong: "groups that never complete hang a full pipeline",
			old:   "a.stalled, a.marked = true, a.c.lane.run.pressure.moves.Load()", new: "",
		},
		{
			name: "queue-one-too-many", breaks: 5, file: "connector/queueconn/write.go",
			wrong: "a queue has one message more than MaxMessages",
			old:   "q.cfg.MaxMessages-q.schedule.live-q.schedule.dead-q.reserved)", new: "q.cfg.MaxMessages-q.schedule.live-q.schedule.dead-q.reserved+1)",
		},
		{
			name: "queue-body-one-byte-too-long", breaks: 5, file: "connector/queueconn/durable.go",
			wrong: "a body has one byte more than MaxBody",
			old:   "size > d.cfg.MaxBody {", new: "size > d.cfg.MaxBody+1 {",
		},
		{
			name: "queue-headers-one-byte-too-long", breaks: 5, file: "connector/queueconn/write.go",
			wrong: "headers have one byte more than MaxHeaders",
			old:   "if size > cfg.MaxHeaders {", new: "if size > cfg.MaxHeaders+1 {",
		},
		{
			name: "store-one-claim-too-many", breaks: 5, file: "connector/boltstore/claims.go",
			wrong: "a store has one claim more than MaxClaims",
			old:   "return len(c.live) < c.max", new: "return len(c.live) <= c.max",
		},
		{
			name: "part-one-record-too-many", breaks: 5, file: "connector/fileconn/sinkwrite.go",
			wrong: "a part has one record more than PartRecords",
			old:   "if s.out.records+encoded == s.config.PartRecords {", new: "if s.out.records+encoded == s.config.PartRecords+1 {",
		},
		{
			name: "part-one-byte-too-long", breaks: 5, file: "connector/fileconn/sinkwrite.go",
			wrong: "a part has one byte more than PartBytes",
			old:   "s.out.size+int64(buffered) > s.config.PartBytes", new: "s.out.size+int64(buffered) > s.config.PartBytes+1",
		},
		{
			name: "request-one-too-many", breaks: 5, file: "connector/httpconn/desk.go",
			wrong: "one request more than MaxWaiting waits",
			old:   "case d.waiting >= d.maxWaiting:", new: "case d.waiting > d.maxWaiting:",
		},
	}
}

// inputFaults take what is over a bound of a format, or name the wrong place.
func inputFaults() []fault {
	return []fault{
		{
			name: "body-cut-at-bound", breaks: 17, file: "connector/httpconn/send.go",
			wrong: "a body over its bound is cut off there and taken for whole",
			old:   "io.LimitReader(body, int64(most)+1)", new: "io.LimitReader(body, int64(most))",
		},
		{
			name: "body-not-limited", breaks: 17, file: "connector/httpconn/body.go",
			wrong: "a request with a body over the bound is read",
			old:   "r.Body = http.MaxBytesReader(w, r.Body, int64(most))", new: "_ = most",
		},
		{
			name: "header-one-byte-too-long", breaks: 17, file: "connector/httpconn/fields.go",
			wrong: "headers have one byte more than their bound",
			old:   "if size > i.config.MaxHeader {", new: "if size > i.config.MaxHeader+1 {",
		},
		{
			name: "idempotency-key-too-long", breaks: 17, file: "connector/httpconn/fields.go",
			wrong: "an Idempotency-Key has one character too many",
			old:   "len(key) > maxIdempotencyKey ||", new: "len(key) > maxIdempotencyKey+1 ||",
		},
		{
			name: "retry-after-header-uncapped", breaks: 17, file: "connector/httpconn/retryafter.go",
			wrong: "a Retry-After date puts a caller to sleep for days",
			old:   "return min(max(0, date.Sub(now)), limit), true", new: "return max(0, date.Sub(now)), true",
		},
		{
			name: "csv-field-one-byte-too-long", breaks: 17, file: "transform/csvscan.go",
			wrong: "a CSV field has one byte more than MaxField",
			old:   "size > s.limits.MaxField {", new: "size > s.limits.MaxField+1 {",
		},
		{
			name: "csv-quoted-field-too-long", breaks: 17, file: "transform/csvquoted.go",
			wrong: "a quoted CSV field over its bound is read on",
			old:   "if at-field.start > s.limits.MaxField {", new: "if false {",
		},
		{
			name: "csv-one-column-too-many", breaks: 17, file: "transform/csvscan.go",
			wrong: "a CSV record has one column more than MaxColumns",
			old:   "if len(s.fields) == s.limits.MaxColumns {", new: "if len(s.fields) == s.limits.MaxColumns+1 {",
		},
		{
			name: "csv-record-one-byte-too-long", breaks: 17, file: "transform/csvquoted.go",
			wrong: "a CSV record has one byte more than MaxRecord",
			old:   "len(rec.text) > most {", new: "len(rec.text) > most+1 {",
		},
		{
			name: "line-one-byte-too-long", breaks: 17, file: "transform/lines.go",
			wrong: "a line has one byte more than MaxLine",
			old:   "if len(rec.text) > s.maxLine {", new: "if len(rec.text) > s.maxLine+1 {",
		},
		{
			name: "line-numbers-off-by-one", breaks: 17, file: "transform/window.go",
			wrong: "errors and positions name the line before",
			old:   "max: most, line: 1}", new: "max: most, line: 0}",
		},
		{
			name: "byte-offsets-wrong", breaks: 17, file: "transform/window.go",
			wrong: "errors name the wrong byte",
			old:   "w.offset += int64(n)", new: "w.offset += int64(n) + 1",
		},
		{
			name: "csv-quoted-lines-not-counted", breaks: 17, file: "transform/csvquoted.go",
			wrong: "positions behind a field of several lines name the wrong line",
			old:   "line.count++", new: "",
		},
		{
			name: "file-position-off-by-one", breaks: 17, file: "connector/fileconn/reader.go",
			wrong: "the position of a record is that of the line before",
			old:   "r.fields.Position.Offset = int64(line)", new: "r.fields.Position.Offset = int64(line) - 1",
		},
		{
			name: "file-drops-records-before-bad-one", breaks: 17, file: "connector/fileconn/reader.go",
			wrong: "records before a bad one are lost",
			old:   "r.err = err\n\n\t\t\treturn n, err", new: "r.err = err\n\n\t\t\treturn 0, err",
		},
		{
			name: "query-position-off-by-one", breaks: 17, file: "connector/sqlconn/reader.go",
			wrong: "the position of a row is not its key",
			old:   "Partition: r.name, Offset: r.offset}", new: "Partition: r.name, Offset: r.offset - 1}",
		},
	}
}

// definitionFaults let a wrong definition run.
func definitionFaults() []fault {
	return []fault{
		{
			name: "retry-above-batch-allowed", breaks: 16, file: "flow/check.go",
			wrong: "a Retry stands above stages whose failures it does not see",
			old:   "m.traits.has(holds|makes|frames|lanes|retries|joint)", new: "m.traits.has(retries|joint)",
		},
		{
			name: "retry-above-broadcast-allowed", breaks: 16, file: "flow/check.go",
			wrong: "a Retry repeats the healthy branches of a broadcast",
			old:   "return len(p.consumers[n]) > 1 && n.dispatch == nil", new: "return false",
		},
		{
			name: "zero-flow-allowed", breaks: 16, file: "flow/check.go",
			wrong: "a stage stands on a zero Flow",
			old:   "up = p.real(up); up == nil {", new: "up = p.real(up); up == nil && false {",
		},
		{
			name: "duplicate-name-allowed", breaks: 16, file: "flow/plan.go",
			wrong: "two stages have one name",
			old:   "if first != nil {", new: "if false {",
		},
		{
			name: "nil-function-allowed", breaks: 16, file: "flow/sink.go",
			wrong: "a ForEach without a function runs",
			old:   "n.require(fn != nil, \"the function is nil\")", new: "",
		},
		{
			name: "nil-sink-allowed", breaks: 16, file: "flow/sink.go",
			wrong: "a To without a sink runs",
			old:   "n.require(sink != nil, \"the sink is nil: pass a connector.Sink\")", new: "",
		},
		{
			name: "batch-above-bound-allowed", breaks: 16, file: "flow/check.go",
			wrong: "a batch may be larger by one than what may be in flight, and never fills",
			old:   "n.bound > config.MaxInFlight {", new: "n.bound > config.MaxInFlight+1 {",
		},
		{
			name: "queue-used-twice-allowed", breaks: 16, file: "flow/check.go",
			wrong: "two stages take each other's messages out of one queue",
			old:   "m.endpoint == n.endpoint {", new: "false {",
		},
		{
			name: "unused-branch-allowed", breaks: 16, file: "flow/check.go",
			wrong: "a branch that leads nowhere is accepted",
			old:   "if n.kind == kindBranch && len(p.consumers[n]) == 0 {", new: "if false {",
		},
		{
			name: "inert-retry-allowed", breaks: 16, file: "flow/retry.go",
			wrong: "a policy with a single attempt is accepted",
			old:   "if attempts == 1 {", new: "if false {",
		},
		{
			name: "definition-not-checked", breaks: 16, file: "flow/pipeline.go",
			wrong: "Run begins although the definition is wrong",
			old:   "if err := p.Check(); err != nil {\n\t\treturn err\n\t}\n\tr, err := p.begin(ctx)", new: "r, err := p.begin(ctx)",
		},
	}
}
