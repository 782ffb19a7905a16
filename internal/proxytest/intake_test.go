package proxytest_test

import (
	"context"
	"encoding/json/v2"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// TestIntake sends orders through faulty connections into a flow, each again until it is
// acknowledged, as a client does that must not lose any. Every order is there, once.
func TestIntake(t *testing.T) {
	checkLeaks(t)
	intake, err := httpconn.NewIntake[order](httpconn.IntakeConfig{})
	if err != nil {
		t.Fatal(err)
	}
	sink := memory.NewSink[order]()
	pipeline := flow.New("intake", flow.From(intake).OncePerMessage(memory.NewStore(), time.Hour).As("once").To(sink))
	ended := make(chan error, 1)
	go func() { ended <- pipeline.Run(t.Context()) }()
	p := newProxy(t, intake)
	client := newClient(t)
	i := 0
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		for range 3 {
			i++
			client.Timeout = patience(name)
			send(t, p, client, faults[name], i)
		}
	}
	if _, err := pipeline.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if l := pipeline.Ledger(); !l.Balanced() || l.Source.InFlight != 0 {
		t.Errorf("ledger %v", l)
	}
	times := make(map[string]int)
	for _, o := range sink.Values() {
		if times[o.ID]++; o.Note != note {
			t.Errorf("order %s has %d bytes", o.ID, len(o.Note))
		}
	}
	for n := 1; n <= i; n++ {
		if id := strconv.Itoa(n); times[id] != 1 {
			t.Errorf("order %s is there %d times", id, times[id])
		}
	}
}

// send tries with the fault, and then without until it works.
func send(t *testing.T, p *proxied, client *http.Client, fault string, i int) {
	t.Helper()
	p.fault(t, fault)
	if post(t, client, p.url, i) {
		t.Errorf("order %d was acknowledged through a fault", i)
	}
	p.heal(t.Context())
	for attempt := 0; !post(t, client, p.url, i); attempt++ {
		if attempt > 20 {
			t.Fatalf("order %d is never acknowledged", i)
		}
	}
}

// post reports whether the order was acknowledged.
func post(t *testing.T, client *http.Client, url string, i int) bool {
	t.Helper()
	id := strconv.Itoa(i)
	body, err := json.Marshal(order{id, note})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", "order-"+id)
	response, err := client.Do(r)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	var receipt struct{ ID, Outcome string }

	return response.StatusCode/100 == 2 && json.UnmarshalRead(response.Body, &receipt) == nil
}
