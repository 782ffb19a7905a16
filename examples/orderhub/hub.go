package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"go.uber.org/zap"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

// closer is what has to be closed in the end.
type closer interface{ Close() error }

// hub is everything that is open while the program runs.
type hub struct {
	outlets

	data, state string
	database    *database
	bolt        *boltstore.Store
	queue       *queueconn.Queue[Invoice]
	file        *fileconn.Sink[Invoice]
	ask         flow.Step[string, Customer]
	// view answers with everything about a customer, at this address.
	view    flow.Step[string, View]
	address string
	// intakes feed the queue, writing empties it.
	intakes, writing *flow.Supervisor
	pipelines        []*flow.Pipeline
	closers          []closer
}

// openHub opens everything in the state directory, where an earlier run may have left
// something. What it returns must be closed, also with an error.
func openHub(ctx context.Context, data, state string, logger *zap.Logger) (*hub, error) {
	h := &hub{data: data, state: state}
	h.logger = logger
	for _, open := range []func(context.Context) error{
		h.openTables, h.openStore, h.openFiles, h.openService, h.openPipelines, h.openServer,
	} {
		if err := open(ctx); err != nil {
			return h, err
		}
	}

	return h, nil
}

func (h *hub) path(name string) string { return filepath.Join(h.state, name) }

func (h *hub) invoicesPath() string { return h.path("invoices.ndjson") }

// keep has something closed at the end.
func (h *hub) keep(c closer) { h.closers = append(h.closers, c) }

// Close closes in reverse order.
func (h *hub) Close() error {
	var errs []error
	for _, c := range slices.Backward(h.closers) {
		errs = append(errs, c.Close())
	}

	return errors.Join(errs...)
}

func (h *hub) openTables(ctx context.Context) (err error) {
	if h.database, err = openDatabase(ctx, h.path("hub.sqlite")); err != nil {
		return err
	}
	h.keep(h.database)
	lines, err1 := table[lineRow](h.database, "lines", "partner", "line")
	orders, err2 := table[orderRow](h.database, "orders", "partner", "invoice")
	totals, err3 := table[totalRow](h.database, "totals", "partner", "country")
	rejections, err4 := table[rejectionRow](h.database, "rejections", "partner", "kind", "id")
	if err = errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	h.lines, h.orders, h.totals, h.rejections = lines, orders, totals, rejections
	for _, c := range []closer{lines, orders, totals, rejections} {
		h.keep(c)
	}

	return checkInputs(ctx, h.database, h.data)
}

// mostAttempts is how often the queue hands out one invoice. A run that is killed counts
// as an attempt of everything it had in hand, so there must be many.
const mostAttempts = 10_000

func (h *hub) openStore(context.Context) (err error) {
	if h.bolt, err = boltstore.Open(h.path("store.bolt"), boltstore.Config{}); err != nil {
		return err
	}
	h.keep(h.bolt)
	h.store = h.bolt
	h.queue, err = queueconn.Open(h.path("invoices.queue"), transform.JSON[Invoice](),
		queueconn.Config{Name: "invoices", MaxAttempts: mostAttempts})
	if err != nil {
		return err
	}
	h.keep(h.queue)
	h.invoices = h.queue

	return nil
}

func (h *hub) openFiles(ctx context.Context) (err error) {
	if err = noteWritten(ctx, h.invoicesPath(), h.store); err != nil {
		return err
	}
	h.file, err = fileconn.NewNDJSONSink[Invoice](
		fileconn.SinkConfig{Path: h.invoicesPath(), Mode: fileconn.Append}, transform.NDJSONConfig{})
	if err != nil {
		return err
	}
	h.keep(h.file)
	if err = os.MkdirAll(h.path("notify"), 0o755); err != nil {
		return fmt.Errorf("make the directory of the subscribers: %w", err)
	}
	subscribers, closers, err := openSubscribers(h.path("notify"))
	h.subscribers, h.closers = subscribers, append(h.closers, closers...)

	return err
}

// openService starts the service that other systems would be, and connects to it.
func (h *hub) openService(context.Context) error {
	remote, err := serve(newService())
	if err != nil {
		return err
	}
	h.keep(remote)
	caller, err := newCustomers(remote.address)
	if err != nil {
		return err
	}
	h.keep(caller)
	h.ask = askService(caller)
	h.customers, h.view = identify(h.ask), customerView(h.database, h.ask)

	return nil
}

func (h *hub) openPipelines(context.Context) error {
	for _, p := range partners() {
		source, err := p.source(h.data)
		if err != nil {
			return err
		}
		h.pipelines = append(h.pipelines, h.intake(p, source))
	}
	config := flow.SupervisorConfig{Restart: restart, Logger: h.logger}
	h.intakes = flow.Supervise(config, h.pipelines...)
	last := writeInvoices(h.queue, h.store, h.file, h.logger)
	h.writing = flow.Supervise(config, last)
	h.pipelines = append(h.pipelines, last)

	return nil
}

func (h *hub) openServer(context.Context) error {
	handler, err := views(h.view, h.status, h.logger)
	if err != nil {
		return err
	}
	local, err := serve(handler)
	if err != nil {
		return err
	}
	h.keep(local)
	h.address = local.address
	h.logger.Info("serving views", zap.String("customers", h.address+"/customers/{id}"), zap.String("status", h.address+"/status"))

	return nil
}

// status reads how everything is.
func (h *hub) status() status {
	s := status{health: append(h.intakes.Health(), h.writing.Health()...)}
	for _, p := range h.pipelines {
		s.ledgers = append(s.ledgers, p.Ledger())
	}

	return s
}

// finishQueue says that no further invoice will come: the flow behind the queue ends when
// the queue is empty. That holds while the reader is open, also over a restart of the flow.
func (h *hub) finishQueue(ctx context.Context) error {
	reader, err := h.queue.Open(context.WithoutCancel(ctx))
	if err != nil {
		return fmt.Errorf("finish the queue: %w", err)
	}
	h.keep(reader)
	if f, ok := reader.(connector.Finisher); ok {
		f.Finish()
	}

	return nil
}
