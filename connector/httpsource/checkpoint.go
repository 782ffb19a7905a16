package httpsource

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"github.com/millrace-go/millrace/connector"
)

// place is where to go on: what is stored, as JSON.
type place struct {
	// Cursor is the address of a page, the cursor of a line, or the ID of an event.
	Cursor string `json:"cursor,omitempty"`
	// Offset is that of the last message before the place.
	Offset int64 `json:"offset,omitempty"`
	// ETag is that of the page which Cursor names, when all of it is settled.
	ETag string `json:"etag,omitempty"`
}

// checkpoint keeps the place behind the last message that is settled with everything
// before it. Without a store it keeps nothing. Methods note and settle may run concurrently.
type checkpoint struct {
	store   connector.Store
	key     string
	version connector.Version

	mu    sync.Mutex
	marks []mark
	// behind says that a message went back: nothing after it may be stored.
	behind bool
}

// mark is the place to store when all messages up to the offset are settled.
type mark struct {
	offset int64
	place  place
}

// openCheckpoint returns the checkpoint and the place to start at.
func openCheckpoint(ctx context.Context, store connector.Store, name string) (*checkpoint, place, error) {
	c := &checkpoint{store: store, key: "httpsource/" + url.PathEscape(name)}
	var from place
	if store == nil {
		return c, from, nil
	}
	entry, err := store.Get(ctx, c.key)
	if errors.Is(err, connector.ErrNotFound) {
		return c, from, nil
	}
	if err != nil {
		return nil, from, fmt.Errorf("httpsource: checkpoint %s: %w", c.key, err)
	}
	if err := json.Unmarshal(entry.Value, &from); err != nil {
		return nil, from, connector.Permanent(fmt.Errorf("httpsource: checkpoint %s cannot be read: delete it to start anew: %w", c.key, err))
	}
	c.version = entry.Version

	return c, from, nil
}

// note remembers the place behind the message at the offset.
func (c *checkpoint) note(offset int64, behind place) {
	if c.store == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if last := len(c.marks) - 1; last >= 0 && c.marks[last].offset == offset {
		c.marks = c.marks[:last] // no message is between them
	}
	c.marks = append(c.marks, mark{offset, behind})
}

// settle stores the last place that the settlements, which come in order, have reached. A
// repetition changes nothing.
func (c *checkpoint) settle(ctx context.Context, settlements []connector.Settlement) error {
	reached, ok := c.reached(settlements)
	if !ok {
		return nil
	}
	data, err := json.Marshal(reached.place)
	if err != nil {
		return connector.Permanent(fmt.Errorf("httpsource: checkpoint %s: %w", c.key, err))
	}
	if err := c.put(ctx, data); err != nil {
		return fmt.Errorf("httpsource: checkpoint %s: %w", c.key, err)
	}
	c.forget(reached.offset)

	return nil
}

// put writes the entry unless another reader has written it.
func (c *checkpoint) put(ctx context.Context, data []byte) error {
	version, err := c.store.Put(ctx, c.key, data, c.version, 0)
	if err == nil {
		c.version = version

		return nil
	}
	if !errors.Is(err, connector.ErrConflict) {
		return err
	}
	entry, getErr := c.store.Get(ctx, c.key)
	if getErr == nil && bytes.Equal(entry.Value, data) { // an earlier Put succeeded whose answer got lost
		c.version = entry.Version

		return nil
	}

	return connector.Permanent(fmt.Errorf("another reader went on from it, run one at a time: %w", errors.Join(err, getErr)))
}

// reached is the last mark at or before the last message that is done with all before it.
func (c *checkpoint) reached(settlements []connector.Settlement) (mark, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var done int64
	for _, s := range settlements {
		if c.behind = c.behind || !s.Outcome.Done(); c.behind {
			break
		}
		done = s.Position.Offset
	}
	var last mark
	found := false
	for _, m := range c.marks {
		if m.offset <= done {
			last, found = m, true
		}
	}

	return last, found
}

func (c *checkpoint) forget(upTo int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.marks[:0]
	for _, m := range c.marks {
		if m.offset > upTo {
			kept = append(kept, m)
		}
	}
	c.marks = kept
}
