package flow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/millrace-go/millrace/connector"
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
	pace    pace
	read    int64
	// reading ends when the stream takes no more in.
	reading context.Context
	// prepare, where set, sees each item before it runs.
	prepare func(*item)
	chunks  *mailbox[*chunk[T]]
	book    *book
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
		pace:   newPace(w.run.config.Chunk),
	}
	// A lease has to be extended, and a partition waited for, while a chunk runs.
	s.inline = !w.plan.keeps[n] && s.caps.Lease == 0 && !s.caps.Partitioned
	w.on(l, func() {
		s.counter = w.counter(n)
		s.next = w.feed(n).(push[T])
	})
	s.book = newBook(w.run, s.caps)
	if !s.inline {
		s.chunks = newMailbox[*chunk[T]](l, chunksAhead, 1)
		l.polls = append(l.polls, s.chunks.serve(s.runChunk))
	}

	return s
}

// chunksAhead is how many chunks are read before the one that is being run.
const chunksAhead = 2

func (s *stream[T]) open(ctx context.Context) error {
	reader, err := s.source.Open(ctx)
	if err != nil {
		return s.errorf("open the source: %w", err)
	}
	s.reader = reader
	s.book.settle = reader.Settle
	if r, ok := reader.(connector.Revoker); ok && s.caps.Partitioned {
		r.OnRevoke(s.book.awaitPartitions)
	}

	return nil
}

func (s *stream[T]) errorf(format string, args ...any) error {
	return &StageError{
		Flow: s.run.pipeline.name, Stage: s.counter.station.name, At: s.node.at, Err: fmt.Errorf(format, args...),
	}
}

func (s *stream[T]) start() {
	if s.inline {
		s.run.working.Go(func() { s.readInline(s.run.ctx) })
	} else {
		s.run.working.Go(s.readAhead)
		s.run.working.Go(func() { s.lane.loop(s.run.ctx) })
		s.run.serving.Go(s.book.serve)
	}
	if e, ok := s.reader.(connector.Extender); ok && s.caps.Lease > 0 {
		s.run.extending.Go(func() { s.book.extend(e, s.caps.Lease) })
	}
}

func (s *stream[T]) close() error {
	if s.reader == nil {
		return nil
	}
	s.book.abandon()
	if err := s.reader.Close(); err != nil {
		return s.errorf("close the source: %w", err)
	}

	return nil
}

func (s *stream[T]) finish() {
	if f, ok := s.reader.(connector.Finisher); ok {
		f.Finish()
	}
}

func (s *stream[T]) poke() { s.book.poke() }

// readInline is the loop of a source whose messages no stage keeps.
func (s *stream[T]) readInline(ctx context.Context) {
	var c chunk[T]
	t := &tab{book: s.book}
	for more := true; more; {
		var messages []connector.Message[T]
		messages, more = s.fetch(s.run.config.MaxInFlight)
		if len(messages) == 0 {
			continue
		}
		c.refill(messages, t)
		t.open(len(messages))
		s.runChunk(ctx, &c)
		s.lane.pass(ctx)
		t.close()
	}
	s.lane.finish(ctx)
}

// readAhead hands chunks to the lane.
func (s *stream[T]) readAhead() {
	defer s.chunks.leave()
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
		if s.prepare != nil {
			for i := range c.items {
				s.prepare(&c.items[i])
			}
		}
		s.chunks.put(c)
	}
}

// runChunk runs a chunk and lets its duration set the size of the next ones.
func (s *stream[T]) runChunk(ctx context.Context, c *chunk[T]) {
	if ctx.Err() != nil {
		for i := range c.items {
			c.items[i].complete(connector.ErrStopped)
		}

		return
	}
	s.counter.n += uint64(len(c.items))
	start := now()
	c.run(ctx, s.lane, s.next)
	s.pace.ran(len(c.items), time.Duration(now()-start))
}

// fetch reads once. It reports false when no further message will come; an error that
// does not pass with time has then stopped the run.
func (s *stream[T]) fetch(room int) (messages []connector.Message[T], more bool) {
	ctx := s.reading
	if ctx.Err() != nil {
		return nil, false
	}
	messages, err := s.readOnce(ctx, min(room, s.pace.size()))
	switch {
	case err == nil:
		s.pace.failures = 0

		return messages, true
	case errors.Is(err, io.EOF), ctx.Err() != nil:
		return messages, false
	}
	delay, again := s.pace.retry(err)
	if !again {
		s.run.fail(s.errorf("read: %w", err))

		return messages, false
	}
	s.run.event("read failed, trying again", s.counter.station, err, delay)
	pause(ctx, delay)

	return messages, ctx.Err() == nil
}

// readOnce turns a panic of the driver into an error.
func (s *stream[T]) readOnce(ctx context.Context, limit int) (messages []connector.Message[T], err error) {
	defer func() {
		if r := recover(); r != nil {
			err = connector.Permanent(&PanicError{Value: r, Stack: debug.Stack()})
		}
	}()
	messages, err = s.reader.Read(ctx, limit)
	if len(messages) > limit {
		err = connector.Permanent(fmt.Errorf("the reader returned %d messages where at most %d were asked for: %w",
			len(messages), limit, err))
	}

	return messages, err
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
