package httpconn

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/millrace-go/millrace/connector"
)

// writing is one Write on its way.
type writing[T any] struct {
	sink     *Sink[T]
	messages []connector.Message[T]
	result   *connector.PartialError
	// stopped is why the rest is not attempted.
	stopped atomic.Pointer[error]
}

// each sends a request for each message.
func (w *writing[T]) each(ctx context.Context) {
	var next atomic.Int64
	work := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(w.messages) || w.ended(ctx) {
				return
			}
			w.settle(i, i+1, w.one(ctx, i))
		}
	}
	var group sync.WaitGroup
	for range min(w.sink.config.Concurrency, len(w.messages)) - 1 {
		group.Go(work)
	}
	work()
	group.Wait()
}

// one sends the message at i. It may run on a goroutine where a panic of the user's code
// would end the process.
func (w *writing[T]) one(ctx context.Context, i int) (err error) {
	defer recovered(&err)
	address, err := w.sink.target(w.messages[i])
	if err != nil {
		return err
	}
	body, err := w.sink.encode(nil, w.messages[i])
	if err != nil {
		return err
	}

	return w.sink.post(ctx, address, body, w.messages[i:i+1])
}

func recovered(err *error) {
	if cause := recover(); cause != nil {
		*err = connector.Permanent(fmt.Errorf("httpconn: panic: %v\n%s", cause, debug.Stack()))
	}
}

func (s *Sink[T]) target(m connector.Message[T]) (*url.URL, error) {
	if s.address != nil {
		return s.address, nil
	}
	address, err := parseURL("the address of message "+m.ID(), s.config.Target(m))
	if err != nil {
		return nil, connector.Permanent(fmt.Errorf("httpconn: %w", err))
	}

	return address, nil
}

func (s *Sink[T]) encode(dst []byte, m connector.Message[T]) ([]byte, error) {
	from := len(dst)
	body, err := s.config.Codec.Append(dst, m.Value)
	if size := len(body) - from; err == nil && size > s.config.MaxRequest {
		err = &connector.LimitError{What: "body", Size: int64(size), Limit: int64(s.config.MaxRequest)}
	}
	if err != nil {
		return nil, connector.Permanent(fmt.Errorf("httpconn: encode message %s: %w", m.ID(), err))
	}

	return body, nil
}

func (w *writing[T]) guarded(fn func() error) (err error) {
	defer recovered(&err)

	return fn()
}

// settle notes what became of some messages, and whether to go on.
func (w *writing[T]) settle(from, to int, err error) {
	member := connector.Member{Fate: connector.Accepted, Err: err}
	class := connector.ClassOf(err)
	switch {
	case err == nil:
	case class == connector.ClassAmbiguous:
		member.Fate = connector.Unclear
	default:
		member.Fate = connector.Failed
	}
	for i := from; i < to; i++ {
		w.result.Members[i] = member
	}
	if err != nil && class != connector.ClassPermanent && w.sink.address != nil {
		w.stopped.CompareAndSwap(nil, &err)
	}
}

func (w *writing[T]) ended(ctx context.Context) bool {
	if err := ctx.Err(); err != nil {
		err = connector.Transient(fmt.Errorf("httpconn: %s: %w", w.sink.name, context.Cause(ctx)))
		w.stopped.CompareAndSwap(nil, &err)
	}

	return w.stopped.Load() != nil
}

// outcome is what Write returns.
func (w *writing[T]) outcome(ctx context.Context) error {
	w.ended(ctx)
	failed := false
	for i, m := range w.result.Members {
		if m.Fate == connector.NotAttempted {
			w.result.Members[i].Err = *w.stopped.Load()
		}
		failed = failed || m.Fate != connector.Accepted
	}
	switch {
	case !failed:
		return nil
	case len(w.messages) == 1:
		return w.result.Members[0].Err
	default:
		return w.result
	}
}

// idempotencyKeyOf is the ID of one message, or made of those of several; empty where one
// has none.
func idempotencyKeyOf[T any](messages []connector.Message[T]) string {
	if len(messages) == 1 {
		id := messages[0].ID()
		if id == "" || len(id) <= maxIdempotencyKey && !strings.ContainsFunc(id, unprintable) {
			return id
		}
	}
	hash := sha256.New()
	for _, m := range messages {
		id := m.ID()
		if id == "" {
			return ""
		}
		_, _ = hash.Write(binary.AppendUvarint(nil, uint64(len(id)))) // a hash never fails
		_, _ = hash.Write([]byte(id))
	}

	return "sha256-" + hex.EncodeToString(hash.Sum(nil))
}
