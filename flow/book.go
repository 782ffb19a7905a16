package flow

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/turns"
)

// book keeps the messages of one source until the source has confirmed their outcomes.
// It is the owner of the source's items and the only place that settles.
type book struct {
	run    *run
	caps   connector.Capabilities
	tally  *tally
	settle func(context.Context, []connector.Settlement) error
	use    *use

	mu      sync.Mutex
	changed sync.Cond
	// live counts messages that were handed out and are not confirmed; open those of
	// them that have no outcome yet. full is set while reading waits for room.
	live, open int
	full       bool
	// settling counts what the settlement under way is about; unconfirmed what was not
	// confirmed.
	settling, unconfirmed int
	// ready waits to be settled; spare is the slice to use next.
	ready, spare []connector.Settlement
	// order holds, for an ordered source, what may not be settled before its
	// predecessors; first is the number of its first message.
	order []connector.Settlement
	first int64
	// held counts messages in flight by position, where someone asks for them: for
	// leases and for partitions that go.
	held map[connector.Position]struct{}
	// closed is set when nothing more may be settled.
	closed bool
}

func newBook(r *run, caps connector.Capabilities, u *use) *book {
	b := &book{run: r, caps: caps, tally: &r.pipeline.source, use: u}
	b.changed.L, u.mu = &b.mu, &b.mu
	if caps.Lease > 0 || caps.Partitioned {
		b.held = make(map[connector.Position]struct{})
	}

	return b
}

// room waits until fewer messages are live than the pipeline allows (invariant 5) and
// returns how many may come; 0 when reading has ended.
func (b *book) room(reading context.Context) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.live >= b.run.config.MaxInFlight && reading.Err() == nil {
		if !b.full {
			b.full = true
			b.run.pressure.fill()
		}
		turns.Cond(b.run.keeper, "room", &b.changed)
	}
	b.notFull()
	if reading.Err() != nil {
		return 0
	}

	return b.run.config.MaxInFlight - b.live
}

func (b *book) notFull() {
	if b.full {
		b.full = false
		b.run.pressure.drain()
	}
}

// taken counts what the source has handed out and still has as such.
func (b *book) taken() int {
	b.mu.Lock()
	defer b.mu.Unlock()

	return b.live
}

// left counts what this run has not finished.
func (b *book) left() (inFlight, unconfirmed int64) {
	b.mu.Lock()
	defer b.mu.Unlock()

	return int64(b.open), int64(b.unconfirmed)
}

// enter notes messages that were handed out.
func (b *book) enter(items []item) {
	b.tally.enter(len(items))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.live += len(items)
	b.open += len(items)
	if b.caps.Ordered {
		b.order = append(b.order, make([]connector.Settlement, len(items))...)
	}
	if b.held != nil {
		for i := range items {
			b.held[items[i].origin.Position()] = struct{}{}
		}
	}
}

// finished takes the outcome of one message.
func (b *book) finished(it *item, err error) {
	s := b.settlement(it, err)
	b.tally.leave(s.Outcome)
	b.note(it.number, s)
}

// finishedAll is complete(nil) for plain items, which takes the lock once.
func (b *book) finishedAll(items []*item) {
	var outcomes [connector.Returned + 1]int64
	b.mu.Lock()
	before := len(b.ready)
	for _, it := range items {
		it.done = true
		outcomes[it.outcome]++
		b.line(it.number, connector.Settlement{Position: it.origin.Position(), Outcome: it.outcome, Cause: it.cause})
	}
	due := before == 0 && len(b.ready) > 0
	b.mu.Unlock()
	b.tally.leaveAll(&outcomes)
	if due {
		b.changed.Broadcast()
	}
}

// note lines a settlement up, and wakes the settler for the first that it has to take.
func (b *book) note(number int64, s connector.Settlement) {
	b.mu.Lock()
	before := len(b.ready)
	b.line(number, s)
	due := before == 0 && len(b.ready) > 0
	b.mu.Unlock()
	if due {
		b.changed.Broadcast()
	}
}

func (b *book) line(number int64, s connector.Settlement) {
	b.open--
	switch {
	case b.closed:
		b.lose(1)
	case b.caps.Ordered:
		b.inOrder(number, s)
	default:
		b.ready = append(b.ready, s)
	}
}

// inOrder puts the settlement in its place and makes the unbroken beginning ready.
func (b *book) inOrder(number int64, s connector.Settlement) {
	b.order[number-b.first] = s
	n := 0
	for n < len(b.order) && b.order[n].Outcome != connector.Pending {
		n++
	}
	b.ready = append(b.ready, b.order[:n]...)
	b.order = b.order[n:]
	b.first += int64(n)
}

// settlement says what becomes of the message, from its outcome alone (invariant 3), and
// stops the pipeline where the source cannot take a message back.
func (b *book) settlement(it *item, err error) connector.Settlement {
	s := connector.Settlement{Position: it.origin.Position(), Outcome: it.outcome, Cause: it.cause}
	if err == nil {
		return s
	}
	if b.run.stopped(err) {
		s.Cause = asStopped(err)
		if !b.run.stopping() {
			s.Delay = returnDelay(it.origin, err) // a stage says so by itself, and would again at once
		}
		b.run.returned.Add(1)

		return s
	}
	s.Delay = returnDelay(it.origin, err)
	if !b.caps.Returns {
		b.run.fail(fmt.Errorf("the source cannot take a message back, and no DeadLetter stage catches it: %w", err))
	}

	return s
}

func asStopped(err error) error {
	if errors.Is(err, connector.ErrStopped) {
		return err
	}

	return fmt.Errorf("%w: %w", connector.ErrStopped, err)
}

// serve settles whatever is ready until the book is closed or, after reading and all
// stages have ended, nothing is left.
func (b *book) serve() {
	for {
		batch := b.next()
		if batch == nil {
			return
		}
		b.deliver(batch)
	}
}

func (b *book) next() []connector.Settlement {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.ready) == 0 && !b.ended() {
		turns.Cond(b.run.keeper, "settler", &b.changed)
	}
	batch := b.ready
	b.ready, b.spare = b.spare[:0], batch
	if len(batch) == 0 {
		return nil
	}

	return batch
}

// ended reports whether nothing will have to be settled any more.
func (b *book) ended() bool {
	return b.closed || b.run.idle.Load() && b.live == 0
}

// deliver settles one batch, repeating an ambiguous failure within bounds. After the last
// attempt the run stops; the outcomes stay and count as unconfirmed.
func (b *book) deliver(batch []connector.Settlement) {
	b.run.pressure.work()
	defer b.run.pressure.rest()
	b.mu.Lock()
	may := b.begin(len(batch))
	b.mu.Unlock()
	if may {
		b.settleNow(batch)
		b.use.leave()
		b.changed.Broadcast()
	}
}

// settleNow settles what begin has noted.
func (b *book) settleNow(batch []connector.Settlement) {
	err := b.attempt(batch)
	if err != nil {
		b.run.fail(fmt.Errorf("settle %d message(s) of %s: %w", len(batch), b.caps.Name, err))
	}
	b.settled(batch, err)
}

// attempt settles at once, and by the policy where that fails.
func (b *book) attempt(batch []connector.Settlement) error {
	ctx := b.run.settleCtx
	var failed error
	if ctx.Err() == nil {
		if failed = guard(func() error { return b.settle(ctx, batch) }); failed == nil {
			return nil
		}
	}

	return doAgain(ctx, b.run.settling, failed, func(ctx context.Context) error {
		return guard(func() error { return b.settle(ctx, batch) })
	})
}

// begin notes that n messages are being settled; it reports false when nothing may be. The
// caller has the lock, and is inside the reader until it leaves it.
func (b *book) begin(n int) bool {
	if b.closed || !b.use.goIn() {
		b.lose(n)

		return false
	}
	b.settling = n

	return true
}

// settled takes a batch off the book.
func (b *book) settled(batch []connector.Settlement, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed && err == nil:
		b.lose(-len(batch)) // abandon gave it up too soon
	case !b.closed && err != nil:
		b.lose(len(batch))
	}
	b.settling = 0
	b.live -= len(batch)
	b.notFull() // now, not when the reader wakes: stages would let go in between
	if err != nil && b.caps.Ordered {
		b.shut() // what follows would leave a gap
	}
	if b.held != nil {
		for i := range batch {
			delete(b.held, batch[i].Position)
		}
	}
}

// lose counts outcomes that the source does not learn of.
func (b *book) lose(n int) {
	b.unconfirmed += n
	b.tally.unconfirmed.Add(int64(n))
}

// shut gives up every outcome that was not settled.
func (b *book) shut() {
	lost := len(b.ready) + b.settling
	for _, s := range b.order {
		if s.Outcome != connector.Pending {
			lost++
		}
	}
	b.closed, b.ready, b.order = true, nil, nil
	b.lose(lost)
}

// abandon stops settling: the reader is about to be closed.
func (b *book) abandon() {
	b.mu.Lock()
	if !b.closed {
		b.shut()
	}
	b.mu.Unlock()
	b.changed.Broadcast()
}

// poke makes everyone who waits look again.
func (b *book) poke() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changed.Broadcast()
}

// extend renews the leases of what is in flight, three times a lease.
func (b *book) extend(reader connector.Extender, lease time.Duration) {
	ticker := time.NewTicker(max(lease/3, time.Millisecond))
	defer ticker.Stop()
	for {
		if !b.run.awaitTick(ticker) {
			return
		}
		positions := b.positions()
		if len(positions) == 0 {
			continue
		}
		err := guard(func() error { return b.extendOnce(reader, positions) })
		if err != nil {
			b.run.event("extending leases failed", nil, err, lease/3)
		}
	}
}

func (b *book) extendOnce(reader connector.Extender, positions []connector.Position) error {
	if !b.use.enter() {
		return nil
	}
	defer b.use.leave()

	return reader.Extend(b.run.settleCtx, positions) //nolint:wrapcheck // logged with its context
}

// positions lists what is in flight.
func (b *book) positions() []connector.Position {
	b.mu.Lock()
	defer b.mu.Unlock()

	return slices.Collect(maps.Keys(b.held))
}

// awaitPartitions returns when nothing of the partitions is in flight any more.
func (b *book) awaitPartitions(ctx context.Context, partitions []string) error {
	stop := context.AfterFunc(ctx, b.poke)
	defer stop()
	b.run.pressure.leave()
	defer b.run.pressure.left()
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.holdsAny(partitions) {
		if ctx.Err() != nil {
			return fmt.Errorf("flow: partitions %v still have messages in flight: %w", partitions, ctx.Err())
		}
		turns.Cond(b.run.keeper, "partitions", &b.changed)
	}

	return nil
}

func (b *book) holdsAny(partitions []string) bool {
	for p := range b.held {
		if slices.Contains(partitions, p.Partition) {
			return true
		}
	}

	return false
}
