package httpconn

import (
	"context"
	"fmt"

	"github.com/millrace-go/millrace/connector"
)

// batches sends arrays of as many messages as fit. One that cannot be encoded fails alone
// and ends an array.
func (w *writing[T]) batches(ctx context.Context) {
	for from := 0; from < len(w.messages) && !w.ended(ctx); {
		body, to, err := w.array(from)
		if to > from {
			w.settle(from, to, w.guarded(func() error { return w.sink.post(ctx, w.sink.address, body, w.messages[from:to]) }))
		}
		if err != nil && !w.ended(ctx) {
			w.settle(to, to+1, err)
			to++
		}
		from = to
	}
}

// array encodes the messages from the index on until the next would not fit, or cannot be
// encoded at all, which is the error.
func (w *writing[T]) array(from int) (body []byte, to int, err error) {
	const brackets = 2
	body = append(body, '[')
	for to = from; to < len(w.messages); to++ {
		var one []byte
		err := w.guarded(func() (err error) {
			one, err = w.sink.encode(nil, w.messages[to])

			return err
		})
		if err == nil && len(one)+brackets > w.sink.config.MaxRequest {
			err = connector.Permanent(fmt.Errorf("httpconn: encode message %s: %w", w.messages[to].ID(),
				&connector.LimitError{What: "body", Size: int64(len(one) + brackets), Limit: int64(w.sink.config.MaxRequest)}))
		}
		if err != nil {
			return append(body, ']'), to, err
		}
		if to > from && len(body)+1+len(one)+1 > w.sink.config.MaxRequest {
			break
		}
		if to > from {
			body = append(body, ',')
		}
		body = append(body, one...)
	}

	return append(body, ']'), to, nil
}
