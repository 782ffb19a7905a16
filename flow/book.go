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
)

// book keeps the messages of one source until the source has confirmed their outcomes.
// It is the owner of the source's items and the only place that settles.
type book struct {
	run    *run
	caps   connector.Capabilities
	tally  *tally
	settle func(context.Context, []connector.Settlement) error

	mu      sync.Mutex
	changed sync.Cond
	// live counts messages that were handed out and are not confirmed.
	live int
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

func newBook(r *run, caps connector.Capabilities) *book {
	b := &book{run: r, caps: caps, tally: &r.pipeline.source}
	b.changed.L = &b.mu
	if caps.Lease > 0 || caps.Partitioned {
		b.held = make(map[connector.Position]struct{})
	}

	return b
}

// room waits until fewer messages are live than the pipeline allows and returns how many
// may come; 0 when reading has ended.
func (b *book) room(reading context.Context) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.live >= b.run.config.MaxInFlight && reading.Err() == nil {
		b.run.press()
		b.changed.Wait()
	}
	if reading.Err() != nil {
		return 0
	}

	return b.run.config.MaxInFlight - b.live
}

// enter notes messages that were handed out.
func (b *book) enter(items []item) {
	b.tally.enter(len(items))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.live += len(items)
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
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		b.tally.unconfirmed.Add(1)

		return
	}
	if b.caps.Ordered {
		b.inOrder(it.number, s)
	} else {
		b.ready = append(b.ready, s)
	}
	due := len(b.ready) > 0
	b.mu.Unlock()
	if due {
		b.changed.Broadcast()
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

// settlement says what becomes of the message, and stops the pipeline where the source
// cannot take a message back.
func (b *book) settlement(it *item, err error) connector.Settlement {
	s := connector.Settlement{Position: it.origin.Position(), Outcome: it.outcome, Cause: it.cause}
	if err == nil {
		return s
	}
	if b.run.stopped(err) {
		s.Cause = asStopped(err)
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
	for len(b.ready) == 0 && !b.closed && !(b.run.idle.Load() && b.live == 0) {
		b.changed.Wait()
	}
	batch := b.ready
	b.ready, b.spare = b.spare[:0], batch
	if len(batch) == 0 {
		return nil
	}

	return batch
}

// deliver settles one batch, repeating an ambiguous failure within bounds. After the last
// attempt the run stops; the outcomes stay and count as unconfirmed.
func (b *book) deliver(batch []connector.Settlement) {
	if b.isClosed() {
		b.tally.unconfirmed.Add(int64(len(batch)))

		return
	}
	err := b.run.settling.Do(b.run.settleCtx, func(ctx context.Context) error {
		return b.call(ctx, batch)
	})
	if err != nil {
		b.tally.unconfirmed.Add(int64(len(batch)))
		b.run.fail(fmt.Errorf("settle %d message(s) of %s: %w", len(batch), b.caps.Name, err))
	}
	b.mu.Lock()
	b.live -= len(batch)
	if b.held != nil {
		for i := range batch {
			delete(b.held, batch[i].Position)
		}
	}
	b.mu.Unlock()
	b.changed.Broadcast()
}

func (b *book) isClosed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()

	return b.closed
}

func (b *book) call(ctx context.Context, batch []connector.Settlement) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = connector.Permanent(&PanicError{Value: r})
		}
	}()

	return b.settle(ctx, batch)
}

// abandon stops settling: the reader is about to be closed.
func (b *book) abandon() {
	b.mu.Lock()
	b.closed = true
	b.tally.unconfirmed.Add(int64(len(b.ready)))
	b.ready = nil
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
		select {
		case <-b.run.settled:
			return
		case <-ticker.C:
		}
		positions := b.positions()
		if len(positions) == 0 {
			continue
		}
		if err := reader.Extend(b.run.settleCtx, positions); err != nil {
			b.run.event("extending leases failed", nil, err, lease/3)
		}
	}
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
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.holdsAny(partitions) {
		if ctx.Err() != nil {
			return fmt.Errorf("flow: partitions %v still have messages in flight: %w", partitions, ctx.Err())
		}
		b.changed.Wait()
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

// tab is the book of an inline source: its items end one after the other on one
// goroutine, so it needs no lock and counts once a chunk.
type tab struct {
	book        *book
	settlements []connector.Settlement
	outcomes    [connector.Returned + 1]int64
}

// open notes a chunk of n messages.
func (t *tab) open(n int) {
	t.book.tally.enter(n)
	t.book.mu.Lock()
	t.book.live += n
	t.book.mu.Unlock()
}

func (t *tab) finished(it *item, err error) {
	t.outcomes[it.outcome]++
	n := len(t.settlements)
	if err != nil || n == cap(t.settlements) {
		t.settlements = append(t.settlements, t.book.settlement(it, err))

		return
	}
	// The slice is used again and again, so only what differs is written.
	t.settlements = t.settlements[:n+1]
	s := &t.settlements[n]
	s.Position, s.Outcome, s.Delay = it.origin.Position(), it.outcome, 0
	if s.Cause != nil || it.cause != nil {
		s.Cause = it.cause
	}
}

// close counts the outcomes of the chunk and settles it.
func (t *tab) close() {
	tally := t.book.tally
	for o := range t.outcomes {
		if t.outcomes[o] != 0 {
			tally.outcomes[o].Add(t.outcomes[o])
			tally.inFlight.Add(-t.outcomes[o])
			t.outcomes[o] = 0
		}
	}
	t.book.deliver(t.settlements)
	t.settlements = t.settlements[:0]
}
