package main

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/millrace-go/millrace/flow"
)

func get[T any](ctx context.Context, url string) (code int, reply T, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, reply, err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return 0, reply, err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		err = json.UnmarshalRead(response.Body, &reply)
	}

	return response.StatusCode, reply, err
}

func TestViews(t *testing.T) {
	o, _, err := prepare("", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	h, err := openHub(ctx, o.data, o.state, zap.NewNop())
	defer func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err != nil {
		t.Fatal(err)
	}
	if code, _, err := get[View](ctx, h.address+"/customers/12014"); code != http.StatusUnprocessableEntity || err != nil {
		t.Errorf("before any order: status %d, %v", code, err)
	}

	// While messages are in flight, both views answer.
	during, asked := 0, false
	o.every = time.Millisecond
	o.watch = func(s status) {
		if s.inFlight() == 0 || asked {
			return
		}
		asked = true
		code, v, err := get[statusView](ctx, h.address+"/status")
		if code != http.StatusOK || err != nil || len(v.Pipelines) != 3 {
			t.Errorf("status during the run: %d, %v, %+v", code, err, v)
		}
		if during, _, err = get[View](ctx, h.address+"/customers/12014"); err != nil {
			t.Error(err)
		}
	}
	stop := h.watch(o)
	err = h.runPipelines(ctx)
	stop()
	if err != nil || !asked || during != http.StatusOK && during != http.StatusUnprocessableEntity {
		t.Errorf("run: %v; asked %t, view answered %d", err, asked, during)
	}
	checkView(t, h)
	code, s, err := get[statusView](ctx, h.address+"/status")
	if code != http.StatusOK || err != nil || s.InFlight != 0 || s.Pipelines[2].Flow != "invoices" || s.Pipelines[2].State != flow.Stopped {
		t.Errorf("status after the run: %d, %v, %+v", code, err, s)
	}
	for path, want := range map[string]int{"/customers/none": http.StatusUnprocessableEntity, "/other": http.StatusNotFound} {
		if code, _, err := get[View](ctx, h.address+path); code != want || err != nil {
			t.Errorf("%s: status %d, %v; want %d", path, code, err, want)
		}
	}
}

// checkView compares the view of a customer with the partners' files.
func checkView(t *testing.T, h *hub) {
	t.Helper()
	const id = "12014"
	code, v, err := get[View](t.Context(), h.address+"/customers/"+id)
	if code != http.StatusOK || err != nil {
		t.Fatalf("status %d, %v", code, err)
	}
	invoices := map[string]bool{}
	text, err := os.ReadFile(h.data + "/partner_b.csv")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, ";"+id+";") {
			number, _, _ := strings.Cut(line, ";")
			invoices[number] = true
		}
	}
	seen := map[string]bool{}
	var b int64
	for _, o := range v.Orders {
		seen[o.Invoice] = true
		if strings.Contains(o.Partners, "b") {
			b++
		}
	}
	if fmt.Sprint(seen) != fmt.Sprint(invoices) || len(v.Totals) != 2 || v.Totals[1].Orders != b {
		t.Errorf("orders %v, totals %+v; want %v", seen, v.Totals, invoices)
	}
	if v.Customer != invent(id) || len(v.Missing) != 0 {
		t.Errorf("customer %+v, missing %q", v.Customer, v.Missing)
	}
}

// Without the customer service, the view says what it lacks.
func TestViewWithoutService(t *testing.T) {
	state := t.TempDir()
	finished(t, "", state)
	d, err := openDatabase(t.Context(), state+"/hub.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	down := flow.Func("service", func(context.Context, string) (Customer, error) { return Customer{}, errNoCustomer })
	v, err := customerView(d, down).Call(t.Context(), "12014")
	if err != nil || len(v.Orders) == 0 || len(v.Missing) != 1 || !strings.Contains(v.Missing[0], "permanent") {
		t.Errorf("%+v, %v", v, err)
	}
}
