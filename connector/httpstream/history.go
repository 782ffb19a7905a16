package httpstream

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"uuid"
)

// history keeps the last events, for listeners that are behind.
type history struct {
	// epoch tells the numbers of this history from those of another process.
	epoch      string
	most       int
	mostBytes  int
	mu         sync.Mutex
	events     []entry
	bytes      int
	last       uint64
	wake       chan struct{}
	closed     bool
	listeners  int
	maxListens int
}

// entry is an event as it is sent, without its id.
type entry struct {
	number uint64
	body   []byte
}

func newHistory(most, mostBytes, maxListeners int) *history {
	return &history{
		epoch: strings.ReplaceAll(uuid.NewV7().String(), "-", ""), most: most, mostBytes: mostBytes,
		maxListens: maxListeners, wake: make(chan struct{}),
	}
}

// add appends events and wakes the listeners. When there can be none any more, it does not.
func (h *history) add(bodies [][]byte) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	for _, body := range bodies {
		h.last++
		h.events = append(h.events, entry{h.last, body})
		h.bytes += len(body)
	}
	drop := 0
	for len(h.events)-drop > h.most || h.bytes > h.mostBytes && len(h.events)-drop > 0 {
		h.bytes -= len(h.events[drop].body)
		h.events[drop].body = nil
		drop++
	}
	h.events = h.events[drop:]
	close(h.wake)
	h.wake = make(chan struct{})

	return true
}

// seen is what a listener has to send next.
type seen struct {
	events []entry
	// missed counts the events before them that are gone.
	missed uint64
	// wake is closed when there is more.
	wake   chan struct{}
	closed bool
}

// after returns up to limit events behind the number.
func (h *history) after(number uint64, limit int) seen {
	h.mu.Lock()
	defer h.mu.Unlock()
	first := h.last + 1 - uint64(len(h.events))
	s := seen{wake: h.wake, closed: h.closed}
	if number+1 < first {
		s.missed = first - number - 1
		number = first - 1
	}
	from := int(number + 1 - first)
	s.events = append(s.events, h.events[from:min(from+limit, len(h.events))]...)

	return s
}

// listen counts a listener in, and returns the number behind which it starts. known says
// whether that is where its last event was.
func (h *history) listen(lastID string) (number uint64, known bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return 0, false, errClosed
	}
	if h.listeners >= h.maxListens {
		return 0, false, fmt.Errorf("httpstream: %d listeners", h.listeners)
	}
	h.listeners++
	if lastID == "" {
		return h.last, true, nil
	}
	epoch, text, _ := strings.Cut(lastID, "-")
	number, err = strconv.ParseUint(text, 10, 64)
	if err != nil || epoch != h.epoch || number > h.last {
		return h.last, false, nil
	}

	return number, true, nil
}

func (h *history) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listeners--
}

// close ends all listeners.
func (h *history) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		close(h.wake)
		h.wake = make(chan struct{})
	}
}

func (h *history) id(number uint64) string { return h.epoch + "-" + strconv.FormatUint(number, 10) }
