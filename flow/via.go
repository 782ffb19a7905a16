package flow

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/placing"
	"github.com/millrace-go/millrace/internal/wallclock"
)

// Via sends messages through a queue to what is below.
//
// A queue that is not durable is a hop inside the process: a message is in flight until
// it has ended on the far side, and ends as it ended there. A durable queue begins a new
// account: the message is delivered when the queue has accepted it, and what the queue
// hands out on the far side is a source message of its own, settled with the queue, which
// hands it out again when it is returned and keeps it when the process dies. When the
// input has ended, the far side ends once the queue is empty; when the pipeline stops,
// what is in a durable queue stays there.
func (f Flow[T]) Via[Same Flow[T]](queue connector.Queue[T]) Same { return Same(via(f, queue)) }

// Delay holds each message for the duration that wait gives, in a queue that declares
// [connector.Capabilities.Delays], and then lets it go on; zero or less means at once.
// Messages overtake those that wait longer. It is a [Flow.Via] in everything else: with a
// durable queue a message is delivered when the queue has it, and its time goes on while
// no pipeline runs and across a crash. In a queue that is not durable it is in flight all
// the time, so Config.MaxInFlight bounds how many can wait, and Stop waits for them until
// its deadline.
//
// A wall clock that is set while messages wait changes nothing in the process; see the queue
// for what it does to those that wait across a restart.
//
// The bounds are the queue's; a message that the queue refuses, because it would wait too
// long, fails here.
func (f Flow[T]) Delay[Same Flow[T]](queue connector.Queue[T], wait func(T) time.Duration) Same {
	return Same(delay(f, queue, wait))
}

func delay[T any](f Flow[T], queue connector.Queue[T], wait func(T) time.Duration) Flow[T] {
	out := hopped(f, kindDelay, &hop[T]{queue: queue, wait: wait})
	near := out.n.ups[0]
	near.require(wait != nil, "the function for the duration is nil")
	near.require(queue == nil || connector.Describe(queue).Delays,
		"the queue does not declare Delays, so it would hand messages out at once: use one that does, such as queueconn")

	return out
}

func via[T any](f Flow[T], queue connector.Queue[T]) Flow[T] {
	return hopped(f, kindVia, &hop[T]{queue: queue})
}

func hopped[T any](f Flow[T], kind string, h *hop[T]) Flow[T] {
	queue := h.queue
	near := passNode(kind, f.n)
	near.traits |= lanes | holds | ends | fails
	near.wire = h.wireNear
	far := passNode(kind+"-out", near)
	far.open = h.openFar
	if queue == nil {
		near.problem("the queue is nil: pass a connector.Queue")

		return Flow[T]{n: far}
	}
	h.durable = connector.Describe(queue).Durable
	h.tells = !h.durable && placing.Tells(queue)
	near.endpoint, far.endpoint = queue, queue
	near.options = append(near.options, option("durable", h.durable))

	return Flow[T]{n: far}
}

// hop is both sides of a queue between two parts of a flow.
type hop[T any] struct {
	queue   connector.Queue[T]
	durable bool
	// tells is set where the queue tells which place a message got, which is its number then.
	tells bool
	// wait is how long a message is to stay; nil means not at all.
	wait func(T) time.Duration
	// crossed numbers the messages over all runs, because a queue in memory may outlive
	// a run that left messages in it.
	crossed atomic.Int64
}

// hopHeader carries the number of a message through a queue that is not durable and does
// not tell which place a message got.
const hopHeader = "millrace-hop"

// hopNear collects the messages of a pass and writes them with one Write.
type hopNear[T any] struct {
	hop *hop[T]
	run *run
	c   *counter
	// waiting is written with the next pass; the others are slices to use again.
	waiting, spare []entry[T]
	messages       []connector.Message[T]
	numbers        []int64
	crossing       *crossing
}

// crossing holds the messages that are inside a queue that is not durable, by number.
type crossing struct {
	mu     sync.Mutex
	inside map[int64]*item
}

func (h *hop[T]) wireNear(w *wiring, n *node) any {
	s := &hopNear[T]{hop: h, run: w.run, c: w.counter(n), crossing: w.run.crossing(n)}
	w.lane.passes = append(w.lane.passes, s.pass)
	far := w.plan.consumers[n]
	w.lane.finals = append(w.lane.finals, func(context.Context) {
		if h.durable && w.run.stopping() {
			return // what is in the queue stays there
		}
		for _, f := range far {
			w.run.farSides[f].finish()
		}
	})
	w.run.enders = append(w.run.enders, s.crossing.giveUp)

	return push[T](s.push)
}

func (s *hopNear[T]) push(ctx context.Context, it *item, value *T) error {
	s.c.begin()
	if s.hop.wait != nil {
		it.meta = it.meta.WithNotBefore(wallclock.Now().Add(s.hop.wait(*value)))
	}
	s.waiting = append(s.waiting, entry[T]{it, *value})
	if len(s.waiting) >= mostPerCommit {
		s.pass(ctx)
	}

	return errHeld
}

func (s *hopNear[T]) pass(ctx context.Context) bool {
	if len(s.waiting) == 0 {
		return false
	}
	// What fails may come here again by way of a DeadLetter, so nothing is used twice.
	waiting, messages, numbers := s.waiting, s.messages[:0], s.numbers[:0]
	s.waiting, s.spare, s.messages, s.numbers = s.spare[:0], nil, nil, nil
	for i := range waiting {
		meta, number := s.outward(waiting[i].it)
		messages = append(messages, connector.Message[T]{Meta: meta, Value: waiting[i].value})
		numbers = append(numbers, number)
	}
	if s.hop.tells {
		ctx = placing.With(ctx, func(i int, offset int64) {
			numbers[i] = offset
			s.crossing.enter(offset, waiting[i].it)
		})
	}
	err := s.write(ctx, messages)
	for i := range waiting {
		s.written(waiting[i].it, numbers[i], fate(err, i, len(waiting)))
	}
	clear(messages)
	clear(waiting)
	s.messages, s.spare, s.numbers = messages, waiting[:0], numbers

	return true
}

// outside is the number of a message that is not inside the queue of a hop.
const outside = -1

// outward returns the metadata with which the message is written, and its number.
func (s *hopNear[T]) outward(it *item) (*connector.Meta, int64) {
	if s.hop.durable || s.hop.tells {
		return it.meta, outside
	}
	number := s.hop.crossed.Add(1)
	s.crossing.enter(number, it)

	return it.meta.WithHeader(hopHeader, strconv.FormatInt(number, 10)), number
}

// written ends a message that the queue refused, or that a durable queue has.
func (s *hopNear[T]) written(it *item, number int64, err error) {
	if number != outside && (err == nil || s.crossing.leave(number) == nil) {
		return // it ends on the far side
	}
	if err != nil {
		it.complete(s.c.fail(it, err))

		return
	}
	s.c.ended(it, connector.Delivered)
	it.complete(nil)
}

func (c *crossing) enter(number int64, it *item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inside[number] = it
}

// leave returns the message of the number, once.
func (c *crossing) leave(number int64) *item {
	c.mu.Lock()
	defer c.mu.Unlock()
	it := c.inside[number]
	delete(c.inside, number)

	return it
}

// giveUp returns what is still inside when every stage has ended: a stop came first.
func (c *crossing) giveUp(bool) {
	c.mu.Lock()
	inside := c.inside
	c.inside = make(map[int64]*item) // a user function may return after the run gave up
	c.mu.Unlock()
	for _, number := range slices.Sorted(maps.Keys(inside)) {
		inside[number].complete(connector.ErrStopped)
	}
}

// patience is how long a Write may wait for room before the far side is asked to let go
// of what it has collected.
const patience = 100 * time.Millisecond

// write writes to the queue, which may be full.
func (s *hopNear[T]) write(ctx context.Context, messages []connector.Message[T]) error {
	var mu sync.Mutex
	written, waited := false, false
	timer := time.AfterFunc(patience, func() {
		mu.Lock()
		defer mu.Unlock()
		if waited = !written; waited {
			s.run.pressure.moved()
			s.run.pressure.full.Add(1)
			s.c.lane.park()
		}
	})
	start := now()
	err := writeGuarded(ctx, s.hop.queue, messages)
	s.c.record(start)
	timer.Stop()
	mu.Lock()
	defer mu.Unlock()
	if written = true; waited {
		s.c.lane.unpark()
		s.run.pressure.drain()
	}

	return err
}

func (h *hop[T]) openFar(w *wiring, n *node) intake {
	s := newStream[T](w, n, h.queue)
	s.far = true
	if !h.durable {
		// The near side is part of the same run: the far side reads until it has ended.
		s.reading = w.run.ctx
		s.book.tally = &w.run.pipeline.derived
		c := w.run.crossing(n.ups[0])
		var landings []landing
		s.prepare = func(it *item) {
			near := c.leave(h.numberOf(it.meta))
			if near == nil {
				it.frame = stale{}

				return
			}
			if len(landings) == 0 {
				landings = make([]landing, landingsAtOnce)
			}
			l := &landings[0]
			landings = landings[1:]
			l.near, l.book = near, s.book
			it.frame, it.owner = l, l
			it.meta, it.path = near.meta, near.path
		}
	}
	w.run.farSides[n] = s

	return s
}

// landingsAtOnce is how many landings are allocated together.
const landingsAtOnce = 64

// numberOf returns the number of a message that the queue has handed out.
func (h *hop[T]) numberOf(meta *connector.Meta) int64 {
	if h.tells {
		return meta.Position().Offset
	}
	number, err := strconv.ParseInt(meta.Header(hopHeader), 10, 64)
	if err != nil {
		return outside
	}

	return number
}

// stale ends a message that the queue hands out although its near side is not waiting for
// it: its lease was lost, or a run before left it there. The near side has ended, or ends,
// by itself, so a failure must not bring the message back for ever.
type stale struct{}

func (stale) unwind(it *item, err error) (error, bool) {
	it.frame = nil
	if err != nil {
		it.outcome = connector.Duplicate
	}

	return nil, false
}

// landing ends the near side of a message as its far side ends.
type landing struct {
	near *item
	book *book
}

func (l *landing) unwind(it *item, err error) (error, bool) {
	it.frame, it.path = nil, nil // the recording goes on with the near side
	l.near.absorb(it.outcome, it.cause)
	l.near.complete(err)

	return err, false
}

// finished counts the message as what it is, and takes it off the queue. The near side has
// the failure, if any, so for the queue the message is done.
func (l *landing) finished(it *item, err error) {
	if err == nil {
		l.book.finished(it, nil)

		return
	}
	l.book.tally.leave(it.outcome)
	l.book.note(it.number, connector.Settlement{Position: it.origin.Position(), Outcome: connector.Delivered})
}

// crossing returns what both sides of a hop share in this run.
func (r *run) crossing(near *node) *crossing {
	c := r.crossings[near]
	if c == nil {
		c = &crossing{inside: make(map[int64]*item)}
		r.crossings[near] = c
	}

	return c
}
