package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

// scan is a large value.
type scan struct {
	ID   int    `json:"id"`
	Text string `json:"text"`
}

// scanBytes is the size of a scan.
const scanBytes = 8 << 10

func makeScan(id int) scan {
	return scan{id, strings.Repeat(string(rune('a'+id%26)), scanBytes)}
}

// scans is a flow of large values that wait in the store while their claims go through a
// durable queue.
func (l *life) scans() *flow.Pipeline {
	r := l.round.scans
	sink := connector.SinkFunc[scan](func(_ context.Context, messages []connector.Message[scan]) error {
		for _, m := range messages {
			if m.Value != makeScan(m.Value.ID) {
				r.problem("scan %d came back changed", m.Value.ID)
			}
			r.effect(m.Value.ID)
		}

		return nil
	})
	faulty := newFaultySink(sink, l.dice, "scan sink", func(s scan) { r.excuse(s.ID) })
	end := flow.From(l.scanFile).
		Once(l.scanClaims, func(s scan) string { return strconv.Itoa(s.ID) }, 0).As("once").
		ClaimCheck(l.state, flow.ClaimConfig{TTL: time.Hour}).As("check").
		Via(l.forScans).As("hop").
		Apply(flow.Redeem[scan](l.state)).As("redeem").
		To(flow.Into(faulty).Timeout(patience).Retry(again)).As("archive")

	return flow.New("scans", end).With(flow.Config{Drain: time.Minute})
}

// excuseClaim finds the scan of a claim that the queue may have twice. It may come twice
// then: what is checked in again is a value again, also where it was redeemed already. Its
// key ends with the ID of the message, which is the line of the file, and a sum.
func (r *round) excuseClaim(c flow.Claim[scan]) {
	id, _, _ := strings.Cut(c.Key[strings.LastIndexByte(c.Key, ':')+1:], "/")
	number, err := strconv.Atoi(id)
	if err != nil {
		r.scans.problem("the claim %q is not that of a line: %v", c.Key, err)
	}
	r.scans.excuse(number - 1)
}
