package flow

import (
	"context"
	"iter"

	"github.com/millrace-go/millrace/connector"
)

// All runs the flow and yields its values to a range loop. Asking for the next value
// delivers the current one. Leaving the loop delivers the current value and returns what
// was read ahead to its source; a panic in the loop returns the current one as well. The
// last pair has the error of the run, where there is one, with the zero T. The context
// ends the run like that of [Pipeline.Run].
func (f Flow[T]) All[Same Flow[T]](ctx context.Context) iter.Seq2[T, error] { return all(ctx, f) }

func all[T any](ctx context.Context, f Flow[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		l := &loopEnd[T]{values: make(chan T), verdicts: make(chan error), left: make(chan struct{})}
		p := New("all", forEach(f, l.offer))
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		// A loop that is left, or panics, must still end the run.
		defer func() {
			l.leave()
			_, _ = p.Stop(context.WithoutCancel(ctx))
		}()
		for {
			select {
			case value := <-l.values:
				l.pending = true
				more := yield(value, nil)
				l.verdict(nil)
				if !more {
					return
				}
			case err := <-ended:
				if err != nil {
					var none T
					yield(none, err)
				}

				return
			}
		}
	}
}

// loopEnd passes values to a range loop and its verdicts back.
type loopEnd[T any] struct {
	values   chan T
	verdicts chan error
	left     chan struct{}
	pending  bool
}

// offer is the end of the flow: it waits until the loop has finished with the value.
func (l *loopEnd[T]) offer(ctx context.Context, value T) error {
	select {
	case l.values <- value:
	case <-l.left:
		return connector.ErrStopped
	case <-ctx.Done():
		return connector.ErrStopped
	}

	return <-l.verdicts
}

func (l *loopEnd[T]) verdict(err error) {
	l.pending = false
	l.verdicts <- err
}

// leave returns the value that the loop panicked on, and all that come after it.
func (l *loopEnd[T]) leave() {
	close(l.left)
	if l.pending {
		l.verdict(connector.ErrStopped)
	}
}
