package proxytest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// order is long enough to be cut in the middle.
type order struct {
	ID   string `json:"id"`
	Note string `json:"note"`
}

var note = strings.Repeat("note ", 2000)

// faults are what the proxy does to a connection, as its API takes them.
var faults = map[string]string{
	"cut before the request":   `{"type":"reset_peer","stream":"upstream","attributes":{"timeout":0}}`,
	"cut before the reply":     `{"type":"reset_peer","stream":"downstream","attributes":{"timeout":0}}`,
	"half-open to the server":  `{"type":"timeout","stream":"upstream","attributes":{"timeout":0}}`,
	"half-open to the client":  `{"type":"timeout","stream":"downstream","attributes":{"timeout":0}}`,
	"request cut short":        `{"type":"limit_data","stream":"upstream","attributes":{"bytes":3000}}`,
	"request cut at its start": `{"type":"limit_data","stream":"upstream","attributes":{"bytes":10}}`,
	"reply cut short":          `{"type":"limit_data","stream":"downstream","attributes":{"bytes":150}}`,
	"reply cut in its header":  `{"type":"limit_data","stream":"downstream","attributes":{"bytes":20}}`,
}

// slow are faults that only take time.
var slow = map[string]string{
	"late":      `{"type":"latency","stream":"downstream","attributes":{"latency":30,"jitter":10}}`,
	"in pieces": `{"type":"slicer","stream":"upstream","attributes":{"average_size":500,"size_variation":200,"delay":100}}`,
	"narrow":    `{"type":"bandwidth","stream":"upstream","attributes":{"rate":1000}}`,
}

// proxied is a server behind a proxy.
type proxied struct {
	*toxiproxy.Proxy

	url string
}

func newProxy(t *testing.T, handler http.Handler) *proxied {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.New(os.Stderr).Level(zerolog.Disabled))
	p := toxiproxy.NewProxy(api, "proxy", "127.0.0.1:0", server.Listener.Addr().String())
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)

	return &proxied{p, "http://" + p.Listen}
}

// fault makes new connections suffer.
func (p *proxied) fault(t *testing.T, text string) {
	t.Helper()
	if _, err := p.Toxics.AddToxicJson(strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
}

func (p *proxied) heal(ctx context.Context) { p.Toxics.ResetToxics(ctx) }

// newClient uses a connection for each request, so that every request meets the fault.
func newClient(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)

	return &http.Client{Transport: transport}
}

// checkLeaks waits for the goroutines of the library to end. Call it first: cleanups run
// backwards.
func checkLeaks(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		for deadline := time.Now().Add(5 * time.Second); ; {
			var stacks strings.Builder
			if err := pprof.Lookup("goroutine").WriteTo(&stacks, 2); err != nil {
				t.Fatal(err)
			}
			left := ""
			for stack := range strings.SplitSeq(stacks.String(), "\n\n") {
				if strings.Contains(stack, "millrace/connector/") || strings.Contains(stack, "millrace/flow.") {
					left = stack
				}
			}
			if left == "" {
				return
			}
			if time.Now().After(deadline) {
				t.Errorf("a goroutine is left:\n%s", left)

				return
			}
			time.Sleep(time.Millisecond)
		}
	})
}
