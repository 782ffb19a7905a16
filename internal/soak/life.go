package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
	"github.com/millrace-go/millrace/transform"
)

// life is everything of a round that is open between two restarts.
type life struct {
	round *round
	dice  *dice

	rows           *fileconn.Source[transform.Row[order]]
	scanFile       *fileconn.Source[scan]
	stepFile       *fileconn.Source[entry]
	parts          *fileconn.Sink[order]
	claims, state  connector.Store
	scanClaims     connector.Store
	hop, forTotals *faultyQueue[order]
	forScans       *faultyQueue[flow.Claim[scan]]

	feeders []*flow.Pipeline
	groups  *flow.Pipeline
	closers []io.Closer
}

// openLife opens what earlier lives have left. What it returns must be closed, also with
// an error.
func openLife(r *round) (*life, error) {
	l := &life{round: r, dice: r.soak.dice}
	if err := errors.Join(l.openFiles(), l.openStores()); err != nil {
		return l, err
	}
	l.feeders = []*flow.Pipeline{l.orders(), l.scans(), l.steps()}
	l.groups = l.totals()

	return l, nil
}

func (l *life) openFiles() error {
	var err1, err2, err3, err4 error
	one := func(name string) fileconn.SourceConfig {
		return fileconn.SourceConfig{Paths: []string{l.round.path(name)}, Name: name}
	}
	l.rows, err1 = fileconn.CSVRows[order](one("orders.csv"), transform.CSVConfig{})
	l.scanFile, err2 = fileconn.NDJSON[scan](one("scans.ndjson"), transform.NDJSONConfig{})
	l.stepFile, err3 = fileconn.NDJSON[entry](one("steps.ndjson"), transform.NDJSONConfig{})
	l.parts, err4 = fileconn.NewCSVSink[order](fileconn.SinkConfig{
		Path: l.round.path("out.csv"), Mode: fileconn.Parts, PartRecords: 1000,
	}, transform.CSVConfig{})
	if err4 == nil {
		l.closers = append(l.closers, l.parts)
	}

	return errors.Join(err1, err2, err3, err4)
}

func (l *life) openStores() error {
	claims, err1 := l.openStore("claims")
	state, err2 := l.openStore("state")
	l.claims = &faultyStore{claims, l.dice, "store", l.excuseKey(l.round.orders)}
	l.scanClaims = &faultyStore{claims, l.dice, "store", l.excuseKey(l.round.scans)}
	l.state = &faultyStore{state, l.dice, "store", ignore[string]}
	var err3, err4, err5 error
	l.hop, err3 = openQueue(l, "hop", l.round.orders.excuseOrder)
	l.forTotals, err4 = openQueue(l, "totals", ignore[order])
	l.forScans, err5 = openQueue(l, "scans", l.round.excuseClaim)

	return errors.Join(err1, err2, err3, err4, err5)
}

func (l *life) openStore(name string) (connector.Store, error) {
	store, err := boltstore.Open(l.round.path(name+".store"), boltstore.Config{})
	if err != nil {
		return nil, err
	}
	l.closers = append(l.closers, store)

	return store, nil
}

// excuseKey finds the message of a claim that was not confirmed: its key ends with the
// number.
func (l *life) excuseKey(r *record) func(key string) {
	return func(key string) {
		id, err := strconv.Atoi(key[strings.LastIndexByte(key, '/')+1:])
		if err != nil {
			r.problem("claim of %q: %v", key, err)
		}
		r.excuse(id)
	}
}

// lease is longer than a busy machine may leave the process without time: a message whose
// lease has ended comes again, rightly, and the checks have no excuse for it.
const lease = 10 * time.Minute

// mostAttempts is above what the faults and the stops of a round can bring about.
const mostAttempts = 1000

func openQueue[T any](l *life, name string, excuse func(T)) (*faultyQueue[T], error) {
	queue, err := queueconn.Open(l.round.path(name+".queue"), transform.JSON[T](), queueconn.Config{
		Name: name, MaxAttempts: mostAttempts, MaxMessages: 50_000, Lease: lease,
	})
	if err != nil {
		return nil, err
	}
	l.closers = append(l.closers, queue)

	return newFaultyQueue(queue, l.dice, "queue", excuse), nil
}

func (l *life) close() error {
	var errs []error
	for _, c := range slices.Backward(l.closers) {
		errs = append(errs, c.Close())
	}

	return errors.Join(errs...)
}

// restart is how a pipeline that a fault has stopped is started again.
var restart = retry.Policy{Attempts: 20, Initial: time.Millisecond, Max: 20 * time.Millisecond}

// run lets the pipelines run until they come to their end, or stops them at the limit. It
// reports whether nothing is left to do.
func (l *life) run(ctx context.Context, limit time.Duration) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	l.dice.note("runs")
	var feeding error
	var all sync.WaitGroup
	all.Go(func() {
		if feeding = l.feed(ctx); feeding != nil || !l.round.fed {
			cancel() // the totals would wait for more
		}
	})
	ended, err := l.supervise(ctx, l.groups)
	all.Wait()

	return ended && l.round.fed, errors.Join(err, feeding)
}

// feed runs the pipelines at the files, unless they have come to their end before, and
// tells the queue of the totals when they have.
func (l *life) feed(ctx context.Context) error {
	if !l.round.fed {
		ended, err := l.supervise(ctx, l.feeders...)
		if l.round.fed = ended && err == nil; !l.round.fed {
			return err
		}
	}

	return l.finish()
}

// finish says that nothing more comes to the queue of the totals. That holds while the
// reader is open: the groups may be restarted meanwhile.
func (l *life) finish() error {
	reader, err := l.forTotals.Queue.Open(context.Background())
	if err != nil {
		return err
	}
	l.closers = append(l.closers, reader)
	reader.(connector.Finisher).Finish()

	return nil
}

// supervise runs pipelines under a supervisor and looks at their ledgers. It reports
// whether they came to their end: a stop and a failure that restarts did not heal are
// what the soak is about, but nothing may be left in flight.
func (l *life) supervise(ctx context.Context, pipelines ...*flow.Pipeline) (bool, error) {
	config := flow.SupervisorConfig{Restart: restart}
	err := flow.Supervise(config, pipelines...).Run(ctx)
	var problems []error
	if _, left := errors.AsType[*flow.StoppedError](err); left {
		problems = append(problems, err)
	}
	if _, wrong := errors.AsType[*flow.DefinitionError](err); wrong {
		problems = append(problems, err)
	}
	for _, p := range pipelines {
		if ledger := p.Ledger(); !closed(ledger) {
			problems = append(problems, fmt.Errorf("the ledger does not balance: %v", ledger))
		}
	}
	if err != nil {
		l.dice.note("runs that restarts did not heal")
		l.round.last.Store(&err)
	}

	return err == nil && ctx.Err() == nil, errors.Join(problems...)
}

// closed reports whether every message of a ledger has an outcome.
func closed(l flow.Ledger) bool {
	return l.Balanced() && l.Source.InFlight == 0 && l.Derived.InFlight == 0
}
