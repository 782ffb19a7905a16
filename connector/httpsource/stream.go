package httpsource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// record is one message of a stream, or the error that ends it.
type record[T any] struct {
	value  T
	fields connector.Fields
	// behind is the place after the message, where resumes says that there is one.
	behind  place
	resumes bool
	err     error
}

// stream reads on a goroutine of its own: what is read from a connection cannot be given
// up and taken up again with every Read. At most one record waits.
type stream[T any] struct {
	name       string
	checkpoint *checkpoint
	records    chan record[T]
	cancel     context.CancelFunc
	close      func() error
	ended      error
}

// produce sends the records of a stream until send reports false; its error is the last
// one.
type produce[T any] func(ctx context.Context, send func(record[T]) bool) error

func newStream[T any](name string, checkpoint *checkpoint, run produce[T], closeClient func() error) *stream[T] {
	ctx, cancel := context.WithCancel(context.Background()) //nolint:gosec // Close calls it
	s := &stream[T]{name: name, checkpoint: checkpoint, records: make(chan record[T]), cancel: cancel, close: closeClient}
	go func() {
		defer close(s.records)
		send := func(r record[T]) bool {
			select {
			case s.records <- r:
				return true
			case <-ctx.Done():
				return false
			}
		}
		if err := run(ctx, send); err != nil {
			send(record[T]{err: err})
		}
	}()

	return s
}

// Read returns what has arrived, without waiting for more than the first message.
func (s *stream[T]) Read(ctx context.Context, limit int) ([]connector.Message[T], error) {
	if s.ended != nil {
		return nil, s.ended
	}
	if ctx.Err() != nil {
		return nil, s.interrupted(ctx)
	}
	select {
	case first := <-s.records:
		return s.gather(first, limit)
	case <-ctx.Done():
		return nil, s.interrupted(ctx)
	}
}

func (s *stream[T]) interrupted(ctx context.Context) error {
	return fmt.Errorf("httpsource: %s: read: %w", s.name, context.Cause(ctx))
}

// gather takes the first record and those that are ready.
func (s *stream[T]) gather(r record[T], limit int) ([]connector.Message[T], error) {
	var messages []connector.Message[T]
	for {
		if r.err != nil {
			s.ended = r.err

			return messages, s.ended
		}
		messages = append(messages, connector.NewMessage(r.value, r.fields))
		if r.resumes {
			s.checkpoint.note(r.fields.Position.Offset, r.behind)
		}
		if len(messages) == limit {
			return messages, nil
		}
		select {
		case r = <-s.records:
		default:
			return messages, nil
		}
	}
}

// Settle moves the checkpoint.
func (s *stream[T]) Settle(ctx context.Context, settlements []connector.Settlement) error {
	return s.checkpoint.settle(ctx, settlements)
}

// Close ends the request and waits until its goroutine is gone.
func (s *stream[T]) Close() error {
	s.cancel()
	for range s.records { //nolint:revive // what is left was not handed out
	}
	s.ended = fmt.Errorf("httpsource: %s: %w", s.name, connector.ErrClosed)

	return s.close()
}

var errIdle = errors.New("nothing was sent")

// watched ends a request that falls silent. Time in which nobody reads does not count.
type watched struct {
	from   io.Reader
	cancel context.CancelCauseFunc
	idle   time.Duration
	timer  *time.Timer
}

// watch returns a context that ends when the answer does not begin in time.
func watch(ctx context.Context, timeout time.Duration) (context.Context, *watched) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watched{cancel: cancel}
	w.limit(timeout)

	return ctx, w
}

// limit starts the time anew.
func (w *watched) limit(idle time.Duration) {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.idle = idle
	w.timer = time.AfterFunc(idle, func() {
		w.cancel(connector.Transient(fmt.Errorf("%w for %v", errIdle, idle)))
	})
}

// begun hands the body over: from now on only what it is waited for counts.
func (w *watched) begun(body io.Reader, idle time.Duration) {
	w.limit(idle)
	w.timer.Stop()
	w.from = body
}

func (w *watched) end() {
	w.timer.Stop()
	w.cancel(nil)
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	w.timer.Reset(w.idle)
	defer w.timer.Stop()

	return w.from.Read(p)
}

// cause prefers why a request was ended to what its connection says of it.
func cause(ctx context.Context, err error) error {
	if why := context.Cause(ctx); why != nil && errors.Is(why, errIdle) {
		return why
	}

	return err
}
