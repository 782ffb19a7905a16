package main

// httpFaults break what the packages round httpconn promise.
func httpFaults() []fault {
	return []fault{
		{
			name: "webhook-from-the-future", breaks: 17, file: "connector/webhook/verify.go",
			wrong: "a webhook whose time is ahead of the receiver's is taken",
			old:   "if apart.Abs() > tolerance {", new: "if apart > tolerance {",
		},
		{
			name: "webhook-recorded-whatever-became-of-it", breaks: 3, file: "connector/webhook/receiver.go",
			wrong: "a webhook that failed counts as served",
			old:   "case status < http.StatusMultipleChoices:", new: "case status < 600:",
		},
		{
			name: "webhook-released-while-it-may-go-on", breaks: 7, file: "connector/webhook/receiver.go",
			wrong: "a webhook is served twice at once after a time-out",
			old:   "case status != http.StatusGatewayTimeout:", new: "default:",
		},
		{
			name: "guard-forgets-nat64", breaks: 17, file: "connector/netguard/special.go",
			wrong: "a private address inside of a NAT64 one is connected to, or a public one refused",
			old:   "if nat64.Contains(addr) {", new: "if false {",
		},
		{
			name: "blocked-address-transient", breaks: 10, file: "connector/httpconn/send.go",
			wrong: "an address that the guard refuses is tried again and again",
			old:   "return nil, connector.Permanent(err)", new: "return nil, connector.Transient(err)",
		},
		{
			name: "sink-goes-on-after-throttling", breaks: 13, file: "connector/httpconn/sinkwrite.go",
			wrong: "an endpoint that asks to wait gets the rest of the batch",
			old:   "w.stopped.CompareAndSwap(nil, &err)\n\t}\n}\n\nfunc (w *writing[T]) ended", new: "_ = err\n\t}\n}\n\nfunc (w *writing[T]) ended",
		},
		{
			name: "parts-of-a-request-taken-for-whole", breaks: 13, file: "connector/httpconn/sink.go",
			wrong: "an answer that some parts failed counts as success for all",
			old:   "case response.StatusCode == http.StatusMultiStatus:", new: "case response.StatusCode == 0:",
		},
		{
			name: "gzip-ratio-unbounded", breaks: 17, file: "connector/httpconn/gzipbody.go",
			wrong: "a bomb is inflated up to MaxBody",
			old:   "b.out > max(most, freeInflated) {", new: "false {",
		},
		{
			name: "checkpoint-passes-what-went-back", breaks: 3, file: "connector/httpsource/checkpoint.go",
			wrong: "a message that went back is behind the checkpoint, and lost at the next start",
			old:   "if c.behind = c.behind || !s.Outcome.Done(); c.behind {", new: "if c.behind {",
		},
		{
			name: "page-checkpointed-before-its-end", breaks: 3, file: "connector/httpsource/checkpoint.go",
			wrong: "the next page is the checkpoint before this one is settled",
			old:   "if m.offset <= done {", new: "if m.offset <= done+1 {",
		},
		{
			name: "link-leads-elsewhere", breaks: 17, file: "connector/httpsource/link.go",
			wrong: "the headers of a source are sent to another host that a page names",
			old:   "|| target.Host != page.Host {", new: "{",
		},
		{
			name: "gap-not-told", breaks: 2, file: "connector/httpstream/events.go",
			wrong: "a listener that is too slow misses events without a word",
			old:   "if next.missed > 0 {", new: "if false {",
		},
		{
			name: "failed-stream-looks-complete", breaks: 11, file: "connector/httpstream/records.go",
			wrong: "an answer that failed on its way ends as if it were complete",
			old:   "panic(http.ErrAbortHandler) // the only way to break an answer off", new: "",
		},
	}
}
