package flowtest

import (
	"context"

	"github.com/millrace-go/millrace/connector"
)

// watchedReader reports to a Watched what the reader inside does. It has every method
// that flow may look for, and passes on those that the reader inside has.
type watchedReader[T any] struct {
	connector.Reader[T]

	by *Watched[T]
}

func (r *watchedReader[T]) Read(ctx context.Context, limit int) ([]connector.Message[T], error) {
	messages, err := r.Reader.Read(ctx, limit)
	r.by.handedOut(messages)

	return messages, err
}

func (r *watchedReader[T]) Settle(ctx context.Context, settlements []connector.Settlement) error {
	err := r.Reader.Settle(ctx, settlements)
	if err == nil {
		r.by.settled(settlements)
	}

	return err
}

// Extend implements connector.Extender.
func (r *watchedReader[T]) Extend(ctx context.Context, positions []connector.Position) error {
	if e, ok := r.Reader.(connector.Extender); ok {
		return e.Extend(ctx, positions)
	}

	return nil
}

// Finish implements connector.Finisher.
func (r *watchedReader[T]) Finish() {
	if f, ok := r.Reader.(connector.Finisher); ok {
		f.Finish()
	}
}

// OnRevoke implements connector.Revoker.
func (r *watchedReader[T]) OnRevoke(wait func(ctx context.Context, partitions []string) error) {
	if v, ok := r.Reader.(connector.Revoker); ok {
		v.OnRevoke(wait)
	}
}
