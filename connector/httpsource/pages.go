package httpsource

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Open starts at the checkpoint, or at the URL.
func (p *Pages[Body, T]) Open(ctx context.Context) (connector.Reader[T], error) {
	checkpoint, from, err := openCheckpoint(ctx, p.config.Store, p.config.Name)
	if err != nil {
		return nil, err
	}

	return &pageReader[Body, T]{pages: p, checkpoint: checkpoint, at: from, again: from.ETag != ""}, nil
}

// pageReader walks the pages. Read alone changes what it holds.
type pageReader[Body, T any] struct {
	pages      *Pages[Body, T]
	checkpoint *checkpoint

	// at is the page to ask for, and the offset before its items. Its ETag is that of a
	// page which was handed out and is asked for again.
	at    place
	again bool
	// pending are items that were read and not handed out; offset is that of the last one
	// handed out.
	pending []T
	offset  int64
	empty   int
	ended   error
	// wait is when the next page may be asked for.
	wait time.Time
}

// Read returns items of one page.
func (r *pageReader[Body, T]) Read(ctx context.Context, limit int) ([]connector.Message[T], error) {
	for len(r.pending) == 0 {
		if r.ended != nil {
			return nil, r.ended
		}
		if err := r.advance(ctx); err != nil {
			return nil, err
		}
	}

	return r.take(limit), nil
}

func (r *pageReader[Body, T]) take(limit int) []connector.Message[T] {
	n := min(limit, len(r.pending))
	messages := make([]connector.Message[T], n)
	metas := make([]connector.Meta, n)
	for i, item := range r.pending[:n] {
		r.offset++
		fields := connector.Fields{Position: connector.Position{Partition: r.pages.config.Name, Offset: r.offset}}
		if r.pages.config.ID != nil {
			fields.ID = r.pages.config.ID(item)
		}
		metas[i] = connector.MakeMeta(fields)
		messages[i] = connector.Message[T]{Meta: &metas[i], Value: item}
	}
	r.pending = r.pending[n:]

	return messages
}

// advance waits for the time of the next page and reads it.
func (r *pageReader[Body, T]) advance(ctx context.Context) error {
	if err := sleepUntil(ctx, r.wait); err != nil {
		return fmt.Errorf("httpsource: pages %q: %w", r.pages.config.Name, err)
	}
	body, response, err := r.fetch(ctx) //nolint:bodyclose // fetch has read and closed it
	if err != nil {
		return err
	}
	if response.StatusCode == http.StatusNotModified {
		r.last()

		return nil
	}
	next, err := r.pages.next(r.at.Cursor, response, body)
	if err != nil {
		return connector.Permanent(fmt.Errorf("httpsource: pages %q: %w", r.pages.config.Name, err))
	}

	return r.turn(r.pages.config.Items(body), next, response.Header.Get("ETag"))
}

// turn makes the items pending and moves on to the next page, or stays on the last one.
func (r *pageReader[Body, T]) turn(items []T, next, etag string) error {
	if len(etag) > maxToken {
		etag = ""
	}
	r.pending, r.offset = items, r.at.Offset
	r.at.Offset += int64(len(items))
	if next == "" {
		r.at.ETag, r.again = etag, etag != ""
		r.last()
	} else {
		r.at.Cursor, r.at.ETag, r.again = next, "", false
	}
	r.checkpoint.note(r.at.Offset, r.at)
	if len(items) > 0 {
		r.empty = 0

		return nil
	}
	if r.empty++; r.pages.config.Poll > 0 {
		r.wait = time.Now().Add(r.pages.config.Poll)
	} else if r.empty > maxEmpty {
		return connector.Permanent(fmt.Errorf("httpsource: pages %q: %d pages without items follow each other", r.pages.config.Name, r.empty))
	}

	return nil
}

// last is what follows the last page.
func (r *pageReader[Body, T]) last() {
	if r.pages.config.Poll == 0 {
		r.ended = io.EOF

		return
	}
	r.wait = time.Now().Add(r.pages.config.Poll)
}

// fetch asks for the page. The answer is 2xx with its body, or 304 without.
func (r *pageReader[Body, T]) fetch(ctx context.Context) (Body, *http.Response, error) {
	var none Body
	ctx, cancel := context.WithTimeout(ctx, r.pages.config.Timeout)
	defer cancel()
	target, err := r.pages.target(r.at.Cursor)
	if err != nil {
		return none, nil, connector.Permanent(fmt.Errorf("httpsource: pages %q: %w", r.pages.config.Name, err))
	}
	header := r.pages.config.Header
	if r.again {
		header = header.Clone()
		header.Set("If-None-Match", r.at.ETag)
	}
	response, err := r.pages.client.Get(ctx, target, header)
	if err != nil {
		return none, nil, fmt.Errorf("httpsource: pages %q: %w", r.pages.config.Name, err)
	}
	defer func() { _ = response.Body.Close() }() // its body was read or given up
	if response.StatusCode == http.StatusNotModified {
		if !r.again {
			return none, nil, connector.Permanent(fmt.Errorf("httpsource: pages %q: status 304 without a condition", r.pages.config.Name))
		}

		return none, response, nil
	}
	body, err := r.decode(response)

	return body, response, err
}

func (r *pageReader[Body, T]) decode(response *http.Response) (Body, error) {
	var none Body
	most := r.pages.config.MaxPage
	data, err := io.ReadAll(io.LimitReader(response.Body, int64(most)+1))
	if err != nil {
		return none, connector.Transient(fmt.Errorf("httpsource: pages %q: the page broke off: %w", r.pages.config.Name, err))
	}
	if len(data) > most {
		err = &connector.LimitError{What: "page", Size: int64(len(data)), Limit: int64(most)}

		return none, connector.Permanent(fmt.Errorf("httpsource: pages %q: %w", r.pages.config.Name, err))
	}
	if response.StatusCode == http.StatusNoContent {
		return none, nil
	}
	body, err := r.pages.codec.Decode(data)
	if err != nil {
		return none, connector.Permanent(fmt.Errorf("httpsource: pages %q: page with content type %q: %w",
			r.pages.config.Name, response.Header.Get("Content-Type"), err))
	}

	return body, nil
}

// Settle moves the checkpoint.
func (r *pageReader[Body, T]) Settle(ctx context.Context, settlements []connector.Settlement) error {
	return r.checkpoint.settle(ctx, settlements)
}

// Close closes idle connections.
func (r *pageReader[Body, T]) Close() error { return r.pages.client.Close() }

// sleepUntil waits for the time, or until ctx ends.
func sleepUntil(ctx context.Context, at time.Time) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
