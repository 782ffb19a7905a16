package httpstream

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// paced sends what is written at once, and then no more often than the interval. Its
// methods are safe for concurrent use.
type paced struct {
	interval time.Duration
	timeout  time.Duration
	control  *http.ResponseController

	mu      sync.Mutex
	to      http.ResponseWriter
	timer   *time.Timer
	pending bool
	flushed time.Time
	err     error
}

// newPaced takes the deadlines of the server away, and sets its own with each write.
func newPaced(w http.ResponseWriter, interval, timeout time.Duration) *paced {
	p := &paced{interval: interval, timeout: timeout, control: http.NewResponseController(w), to: w}
	_ = p.control.SetReadDeadline(time.Time{}) // a ResponseWriter without deadlines leaves the time to the server

	return p
}

// Write implements io.Writer.
func (p *paced) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return 0, p.err
	}
	_ = p.control.SetWriteDeadline(time.Now().Add(p.timeout))
	n, err := p.to.Write(data)
	if err != nil {
		p.err = fmt.Errorf("httpstream: write: %w", err)

		return n, p.err
	}
	if p.pending {
		return n, nil
	}
	p.pending = true
	if wait := p.interval - time.Since(p.flushed); wait > 0 {
		p.timer = time.AfterFunc(wait, p.flushLater)
	} else {
		p.flush()
	}

	return n, p.err
}

func (p *paced) flushLater() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending && p.err == nil {
		p.flush()
	}
}

func (p *paced) flush() {
	p.pending, p.flushed = false, time.Now()
	_ = p.control.SetWriteDeadline(time.Now().Add(p.timeout))
	if err := p.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		p.err = fmt.Errorf("httpstream: flush: %w", err)
	}
}

var errDone = errors.New("httpstream: the answer is complete")

// end sends what is left. Nothing is written afterwards, and the ResponseWriter is not
// touched.
func (p *paced) end() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending && p.err == nil {
		p.flush()
	}
	err := p.err
	if p.timer != nil {
		p.timer.Stop()
	}
	p.err = errDone

	return err
}
