package flow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/turns"
)

// intake reads one source, runs its messages through the stages, and settles them.
type intake interface {
	// open opens the reader.
	open(ctx context.Context) error
	// start launches the goroutines of the intake; each is counted in run.working.
	start()
	// close closes the reader after everything has ended or was given up.
	close() error
	// finish tells the reader of a queue that no more will be written.
	finish()
	// exhausted reports whether a queue has nothing but what this run has taken.
	exhausted() bool
	// left counts messages without an outcome, and outcomes that were not confirmed.
	left() (inFlight, unconfirmed int64)
	// poke makes whoever waits for the state of the run look again.
	poke()
}

// stream is the intake of a source of T. There are two ways to run it. Where no stage
// keeps a message, one goroutine reads, runs and settles, chunk by chunk. Elsewhere a
// reader and a settler have goroutines of their own beside the lane's.
type stream[T any] struct {
	run     *run
	node    *node
	source  connector.Source[T]
	reader  connector.Reader[T]
	caps    connector.Capabilities
	lane    *lane
	counter *counter
	next    push[T]
	inline  bool
	// far is set where the source is the queue of a Via.
	far  bool
	pace pace
	read int64
	// watch times the Reads; taken is when the last one returned, where messages are
	// recorded.
	watch stopwatch
	taken time.Time
	// failed is what the last Read failed with, if its messages are still to be run.
	failed error
	// reading ends when the stream takes no more in.
	reading context.Context
	// prepare, where set, sees each item before it runs.
	prepare func(*item)
	chunks  *mailbox[*chunk[T]]
	book    *book
	use     *use
}

func newStream[T any](w *wiring, n *node, source connector.Source[T]) *stream[T] {
	l := newLane(w.run)
	s := &stream[T]{
		run:    w.run,
		node:   n,
		source: source,
		caps:   connector.Describe(source),
		lane:   l,

		reading: w.run.reading,
		pace:    newPace(w.run.config.Chunk, w.run.keeper != nil),
		watch:   stopwatch{station: w.run.pipeline.stations[n]},
	}
	// A lease has to be extended, and a partition waited for, while a chunk runs.
	s.inline = !w.plan.keeps[n] && s.caps.Lease == 0 && !s.caps.Partitioned
	w.on(l, func() {
		s.counter = w.counter(n)
		s.next = w.feed(n).(push[T])
	})
	s.use = new(use)
	s.book = newBook(w.run, s.caps, s.use)
	if !s.inline {
		s.chunks = newMailbox[*chunk[T]](l, chunksAhead, 1)
		l.polls = append(l.polls, s.chunks.serve(func(ctx context.Context, c **chunk[T]) { s.runChunk(ctx, *c) }))
	}

	return s
}

// chunksAhead is how many chunks are read before the one that is being run.
const chunksAhead = 2

func (s *stream[T]) open(ctx context.Context) error {
	var reader connector.Reader[T]
	err := guard(func() (err error) {
		reader, err = s.source.Open(ctx)

		return err //nolint:wrapcheck // wrapped below
	})
	_, finishes := reader.(connector.Finisher)
	switch {
	case err != nil:
	case reader == nil:
		err = errNoReader
	case s.far && !finishes:
		err = errors.Join(errNoFinisher, guard(reader.Close))
	}
	if err != nil {
		return s.errorf("open the source: %w", err)
	}
	s.reader = reader
	s.book.settle = reader.Settle
	s.use.shut = reader.Close
	if r, ok := reader.(connector.Revoker); ok && s.caps.Partitioned {
		r.OnRevoke(s.book.awaitPartitions)
	}

	return nil
}

func (s *stream[T]) errorf(format string, args ...any) error {
	return &StageError{
		Flow: s.run.pipeline.name, Stage: s.counter.station.name, At: s.node.at.String(), Err: fmt.Errorf(format, args...),
	}
}

var (
	errNoReader   = errors.New("the source returned neither a reader nor an error")
	errNoFinisher = errors.New("the Reader of the queue does not implement connector.Finisher, so the far side would never end")
)

func (s *stream[T]) start() {
	r := s.run
	if !s.far {
		r.inputs.Add(1)
	}
	if s.inline {
		r.spawn(&r.working, func() { s.readInline(r.ctx) }, nil)
	} else {
		r.spawn(&r.working, s.readAhead, nil)
		s.lane.start()
		r.spawn(&r.serving, s.book.serve, nil)
	}
	if e, ok := s.reader.(connector.Extender); ok && s.caps.Lease > 0 {
		r.spawn(&r.extending, func() { s.book.extend(e, s.caps.Lease) }, nil)
	}
}

func (s *stream[T]) close() error {
	if s.reader == nil {
		return nil
	}
	s.book.abandon()
	if err := s.use.close(); err != nil {
		return s.errorf("close the source: %w", err)
	}

	return nil
}

func (s *stream[T]) left() (inFlight, unconfirmed int64) {
	if s.book.tally != &s.run.pipeline.source {
		return 0, 0
	}

	return s.book.left()
}

func (s *stream[T]) finish() {
	err := guard(func() error {
		s.reader.(connector.Finisher).Finish() //nolint:forcetypeassert // open has checked it

		return nil
	})
	if err != nil {
		s.run.fail(s.errorf("finish the queue: %w", err))
	}
	s.run.watching.Do(func() { s.run.spawn(&s.run.extending, s.run.watchEnd, nil) })
}

func (s *stream[T]) exhausted() bool {
	if !s.far {
		return true
	}
	var depth connector.Depth
	err := guard(func() (err error) {
		depth, err = s.source.(connector.Queue[T]).Depth(s.run.settleCtx) //nolint:forcetypeassert // a Via made it

		return err //nolint:wrapcheck // only whether it worked matters
	})

	return err == nil && depth.Ready == 0 && depth.Delayed == 0 && depth.Leased == s.book.taken()
}

// ended says that the stream takes no more in.
func (s *stream[T]) ended() {
	if !s.far {
		s.run.inputs.Add(-1)
	}
}

func (s *stream[T]) poke() { s.book.poke() }

// readInline is the loop of a source whose messages no stage keeps.
func (s *stream[T]) readInline(ctx context.Context) {
	t := newTab(s.book, s.lane.counters)
	defer t.retire()
	c := chunk[T]{tab: t, begin: s.sampler()}
	for more := t.inside; more; {
		var messages []connector.Message[T]
		messages, more = s.fetch(s.run.config.MaxInFlight)
		if len(messages) == 0 {
			continue
		}
		c.refill(messages)
		s.runChunk(ctx, &c)
		more = t.close() && more
	}
	s.ended()
	s.lane.finish(ctx)
}

// readAhead hands chunks to the lane.
func (s *stream[T]) readAhead() {
	defer s.chunks.leave()
	defer s.ended()
	sample := s.sampler()
	for more := true; more; {
		room := s.book.room(s.reading)
		if room == 0 {
			return
		}
		var messages []connector.Message[T]
		messages, more = s.fetch(room)
		if len(messages) == 0 {
			continue
		}
		c := &chunk[T]{}
		c.fill(messages, s.book, s.read)
		s.read += int64(len(messages))
		s.book.enter(c.items)
		for i := range c.items {
			if sample != nil {
				sample(&c.items[i], &messages[i].Value)
			}
			if s.prepare != nil {
				s.prepare(&c.items[i])
			}
		}
		s.chunks.put(nil, c)
	}
}

// sampler begins to record some of the messages; it is nil where none are. What comes out
// of a queue that is not durable is recorded on its near side.
func (s *stream[T]) sampler() func(*item, *T) {
	if s.run.config.Recorder == nil || s.far && s.prepare != nil {
		return nil
	}

	return func(it *item, value *T) { record(s.run, s.counter.station.name, it, value, s.taken) }
}

// runChunk runs a chunk and lets its duration set the size of the next ones.
func (s *stream[T]) runChunk(ctx context.Context, c *chunk[T]) {
	if s.run.aborted.Load() {
		for i := range c.messages {
			c.turn(i).complete(connector.ErrStopped)
		}

		return
	}
	s.counter.n += uint64(len(c.messages))
	if !s.pace.timed(len(c.messages)) {
		c.run(ctx, s.lane, s.next)

		return
	}
	start := now()
	c.run(ctx, s.lane, s.next)
	s.pace.ran(len(c.messages), time.Duration(now()-start))
}

// fetch reads once. It reports false when no further message will come; an error that
// does not pass with time has then stopped the run.
func (s *stream[T]) fetch(room int) (messages []connector.Message[T], more bool) {
	ctx := s.reading
	if err := s.failed; err != nil {
		s.failed = nil

		return nil, s.recover(ctx, err)
	}
	if ctx.Err() != nil {
		return nil, false
	}
	messages, err := s.readOnce(ctx, min(room, s.pace.size()))
	if s.run.config.Recorder != nil {
		s.taken = time.Now()
	}
	switch {
	case err == nil:
		s.pace.failures = 0

		return messages, true
	case errors.Is(err, io.EOF), ctx.Err() != nil:
		return messages, false
	case len(messages) > 0:
		s.failed = err

		return messages, true
	default:
		return nil, s.recover(ctx, err)
	}
}

// recover waits after a failed Read; it reports false when there is to be no other.
func (s *stream[T]) recover(ctx context.Context, err error) bool {
	delay, again := s.pace.retry(err)
	if !again {
		s.run.fail(s.errorf("read: %w", err))

		return false
	}
	s.run.event("read failed, trying again", s.counter.station, err, delay)
	pause(ctx, delay)

	return ctx.Err() == nil
}

var errEmptyRead = connector.Transient(errors.New("the reader returned neither messages nor an error"))

// readOnce turns a panic of the driver into an error.
func (s *stream[T]) readOnce(ctx context.Context, limit int) (messages []connector.Message[T], err error) {
	defer func() {
		if r := recover(); r != nil {
			err = connector.Permanent(&PanicError{Value: r, Stack: debug.Stack()})
		}
	}()
	if !s.inline { // else the tab is inside
		if !s.use.enter() {
			return nil, io.EOF
		}
		defer s.use.leave()
	}
	start := s.watch.begin()
	messages, err = s.reader.Read(ctx, limit)
	s.watch.end(start)
	if len(messages) == 0 && err == nil && ctx.Err() == nil {
		return nil, errEmptyRead
	}
	if len(messages) > limit {
		err = connector.Permanent(fmt.Errorf("the reader returned %d messages where at most %d were asked for: %w",
			len(messages), limit, err))
	}

	return messages, err
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	turns.Wait(turns.Of(ctx), "pause", func() {
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	})
}
