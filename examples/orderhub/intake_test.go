package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/flow/flowtest"
	"github.com/millrace-go/millrace/transform"
)

// fakes are outlets in memory.
type fakes struct {
	lines         *memory.Sink[lineRow]
	orders        *memory.Sink[orderRow]
	totals        *memory.Sink[totalRow]
	rejections    *memory.Sink[rejectionRow]
	invoices      *memory.Sink[Invoice]
	notifications *memory.Sink[Notification]
	service       *memory.Caller[string, Customer]
}

func newFakes() *fakes {
	return &fakes{
		lines:         memory.NewSink[lineRow](),
		orders:        memory.NewSink[orderRow](),
		totals:        memory.NewSink[totalRow](),
		rejections:    memory.NewSink[rejectionRow](),
		invoices:      memory.NewSink[Invoice](),
		notifications: memory.NewSink[Notification](),
		service: memory.NewCaller(func(_ context.Context, id string) (Customer, error) {
			return Customer{ID: id, Name: "Customer " + id}, nil
		}),
	}
}

func (f *fakes) outlets(store connector.Store) outlets {
	return outlets{
		lines: f.lines, orders: f.orders, totals: f.totals, rejections: f.rejections, invoices: f.invoices,
		subscribers: []subscriber{{name: "returns", wants: Order.Cancelled, inbox: f.notifications}},
		customers:   identify(askService(f.service)),
		store:       store, logger: zap.NewNop(),
	}
}

// rows reads lines of partner A's format.
func rows(t *testing.T, lines ...string) []transform.Row[Record] {
	t.Helper()
	format, err := transform.NewCSV[Record](partners()[0].format)
	if err != nil {
		t.Fatal(err)
	}
	text := "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n" + strings.Join(lines, "\n")
	reader := format.NewReader(strings.NewReader(text))
	var all []transform.Row[Record]
	for row, err := reader.Read(); err == nil; row, err = reader.Read() {
		all = append(all, row)
	}

	return all
}

const (
	lamp      = "1001,L1,LAMP,2,1/12/2010,2.55,17850,Norway"
	shade     = "1001,L2,SHADE,1,1/12/2010,4,17850,Norway"
	unread    = "1001,L3,LAMP,two,1/12/2010,2.55,17850,Norway"
	guest     = "1002,L1,LAMP,1,2/12/2010,2.55,,Norway"
	cancelled = "C1003,L1,LAMP,-1,3/12/2010,2.55,17850,Norway"
	sample    = "1004,L1,LAMP,1,4/12/2010,0,17850,Japan"
)

func runIntake(t *testing.T, out outlets, lines ...string) *flow.Pipeline {
	t.Helper()
	source := memory.NewSource(rows(t, lines...)...)
	source.Declare(connector.Capabilities{}) // like a file, it takes nothing back
	p := out.intake(partners()[0], source)
	flowtest.Run(t, p)

	return p
}

func TestIntake(t *testing.T) {
	flowtest.Test(t, func(t *testing.T) {
		f := newFakes()
		p := runIntake(t, f.outlets(memory.NewStore()), lamp, shade, unread, shade, guest, cancelled, sample, lamp)

		if got, want := p.Ledger().Source, (flow.Line{In: 8, Delivered: 5, DeadLettered: 3}); got != want {
			t.Errorf("ledger %v, want %v", got, want)
		}
		var orders []string
		for _, o := range f.orders.Values() {
			orders = append(orders, o.Invoice+" "+o.Buyer+" "+o.Segment)
		}
		flowtest.Values(t, orders, "1001 Customer 17850 ", "1002  guest", "C1003 Customer 17850 ")
		var stages []string
		for _, r := range f.rejections.Values() {
			stages = append(stages, r.Stage)
		}
		slices.Sort(stages)
		flowtest.Values(t, stages, "add-up", "check-order", "normalise")
		if lines := f.lines.Values(); len(lines) != 7 || !lines[2].IsRepeat || lines[1].IsRepeat || !lines[6].IsRepeat {
			t.Errorf("lines %+v", lines)
		}
		if got := f.invoices.Values(); len(got) != 3 || got[0].Amount.String() != "13.10" || len(got[0].Items) != 3 || got[2].Kind != "credit note" {
			t.Errorf("invoices %+v", got)
		}
		if got := f.notifications.Values(); len(got) != 1 || got[0].Invoice != "C1003" {
			t.Errorf("notifications %+v", got)
		}
		japan := totalRow{Partner: "a", Country: "Japan", Orders: 1}
		flowtest.Values(t, f.totals.Values(), append(norway(1, 131_000, 2, 156_500, 3, 131_000), japan)...)
	})
}

// norway makes totals of pairs of orders and amount.
func norway(pairs ...int) []totalRow {
	var all []totalRow
	for pair := range slices.Chunk(pairs, 2) {
		all = append(all, totalRow{Partner: "a", Country: "Norway", Orders: pair[0], Amount: int64(pair[1])})
	}

	return all
}

// A run that starts again on the same store sends nothing twice and counts nothing twice.
func TestIntakeStartedAgain(t *testing.T) {
	flowtest.Test(t, func(t *testing.T) {
		store := memory.NewStore()
		runIntake(t, newFakes().outlets(store), lamp, cancelled)
		f := newFakes()
		runIntake(t, f.outlets(store), lamp, cancelled, guest)
		if got := f.invoices.Values(); len(got) != 1 || got[0].Number != "1002" {
			t.Errorf("invoices %+v; want the new one alone", got)
		}
		if got := f.notifications.Values(); len(got) != 0 {
			t.Errorf("notifications %+v", got)
		}
		// Running totals do not go back to zero: they know what they counted.
		flowtest.Values(t, f.totals.Values(), norway(2, 25_500, 2, 25_500, 3, 51_000)...)
	})
}

// A service that is slow or fails is asked again, and done without in the end.
func TestCustomerService(t *testing.T) {
	for name, test := range map[string]struct {
		weather []memory.Step
		want    Customer
		asked   int
	}{
		"well":      {nil, Customer{ID: "7", Name: "Customer 7"}, 1},
		"fails":     {[]memory.Step{memory.Fail(connector.Transient(errors.New("down")))}, Customer{ID: "7", Name: "Customer 7"}, 2},
		"slow":      {[]memory.Step{memory.Pass().Delay(time.Second)}, Customer{ID: "7", Name: "Customer 7"}, 2},
		"down":      {[]memory.Step{memory.Fail(errors.New("down")).Always()}, Customer{ID: "7", Segment: segmentUnknown}, 3},
		"not found": {[]memory.Step{memory.Fail(connector.Permanent(errors.New("404")))}, Customer{ID: "7", Segment: segmentUnknown}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			flowtest.Test(t, func(t *testing.T) {
				service := newFakes().service
				service.Script(test.weather...)
				got, err := identify(askService(service)).Call(t.Context(), "7")
				if err != nil || got != test.want || len(service.Requests()) != test.asked {
					t.Errorf("%+v, %v after %d requests; want %+v after %d", got, err, len(service.Requests()), test.want, test.asked)
				}
			})
		})
	}
}

// A database that fails stops the intake: no order is rejected for it.
func TestIntakeDatabaseFails(t *testing.T) {
	flowtest.Test(t, func(t *testing.T) {
		f := newFakes()
		full := connector.Permanent(errors.New("disk full"))
		f.orders.Script(memory.Fail(full).Always())
		source := memory.NewSource(rows(t, lamp, guest)...)
		source.Declare(connector.Capabilities{})
		p := f.outlets(memory.NewStore()).intake(partners()[0], source)
		if err := flowtest.RunFails(t, p); !errors.Is(err, full) {
			t.Errorf("%v; want %v", err, full)
		}
		if l := p.Ledger(); l.Source.Returned != 2 || f.rejections.Accepted() != 0 {
			t.Errorf("%v, %d rejected", l, f.rejections.Accepted())
		}
	})
}

// An order that one branch rejects and another one cannot write stops the intake: the
// rejection alone would hide that its total is lost.
func TestIntakeRejectsInOneBranchAndFailsInAnother(t *testing.T) {
	flowtest.Test(t, func(t *testing.T) {
		f := newFakes()
		full := connector.Permanent(errors.New("disk full"))
		f.totals.Script(memory.Fail(full).Always())
		source := memory.NewSource(rows(t, sample)...)
		source.Declare(connector.Capabilities{})
		p := f.outlets(memory.NewStore()).intake(partners()[0], source)
		if err := flowtest.RunFails(t, p); !errors.Is(err, full) || f.rejections.Accepted() != 0 {
			t.Errorf("%v with %d rejections; want %v and none", err, f.rejections.Accepted(), full)
		}
	})
}
