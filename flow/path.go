package flow

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/rehearse"
)

// path is one branch of a message that is being recorded. All methods may be called on
// nil, which is the path of a message that is not.
type path struct {
	trail *trail
	index int
	made  int
}

// trail is the recording under way of one message of a source, with all its branches.
type trail struct {
	recorder *Recorder
	redact   redactor
	start    time.Time

	mu        sync.Mutex
	recording Recording
	entries   int
	// last has, for each branch, the value that entered last.
	last [][]byte
}

// record begins the recording of a message that a source has handed out.
func record(w *run, source string, it *item, value any, taken time.Time) {
	r := w.config.Recorder
	if !r.samples() {
		return
	}
	t := &trail{recorder: r, redact: r.config.Redact, start: taken}
	fields := it.meta.Fields()
	m := RecordedMessage{
		ID: it.meta.ID(), Key: fields.Key, Time: fields.Time, Attempt: fields.Attempt, Headers: t.redact.headers(fields.Headers),
	}
	if text, err := t.encode(value); err != nil {
		m.Omitted = err.Error()
	} else {
		m.Value = text
	}
	t.recording = Recording{Flow: w.pipeline.name, Source: source, Started: t.start, Message: m}
	it.path = t.branch("1")
	t.last[0] = m.Value
}

// branch adds a branch. The caller has the lock, or nobody else knows the trail.
func (t *trail) branch(name string) *path {
	t.recording.Branches = append(t.recording.Branches, RecordedBranch{Name: name, Outcome: connector.Pending.String()})
	t.last = append(t.last, nil)

	return &path{trail: t, index: len(t.recording.Branches) - 1}
}

// fork returns the path of what a stage makes of the message.
func (p *path) fork() *path {
	if p == nil {
		return nil
	}
	t := p.trail
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.recording.Branches) >= t.recorder.config.MaxEntries {
		t.recording.Cut = true

		return nil
	}
	p.made++
	next := t.branch(t.recording.Branches[p.index].Name + "." + strconv.Itoa(p.made))
	t.last[next.index] = t.last[p.index]

	return next
}

// forkOf returns the path of what is made of several messages: that of the first which is
// recorded.
func forkOf(members []*item) *path {
	for _, m := range members {
		if m.path != nil {
			return m.path.fork()
		}
	}

	return nil
}

func (t *trail) micros() int64 { return time.Since(t.start).Microseconds() }

// enter notes that the branch enters a stage, and returns its name.
func (p *path) enter(stage string, value any) (branch string) {
	t := p.trail
	text, err := t.encode(value)
	if err != nil {
		text = nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	b := &t.recording.Branches[p.index]
	if t.entries >= t.recorder.config.MaxEntries {
		t.recording.Cut = true

		return b.Name
	}
	t.entries++
	e := RecordedEntry{Stage: stage, Micros: t.micros()}
	if !bytes.Equal(text, t.last[p.index]) {
		e.Value, t.last[p.index] = text, text
	}
	b.Entries = append(b.Entries, e)

	return b.Name
}

// failed notes a failure at the stage that the branch entered last under this name.
func (p *path) failed(stage string, err error) {
	if p == nil {
		return
	}
	t := p.trail
	t.mu.Lock()
	defer t.mu.Unlock()
	f := &RecordedFailure{Class: connector.ClassOf(err).String(), Text: err.Error(), Micros: t.micros()}
	if after, throttled := connector.RetryAfter(err); throttled {
		f.AfterMicros = after.Microseconds()
	}
	entries := t.recording.Branches[p.index].Entries
	for i, e := range slices.Backward(entries) {
		if e.Stage == stage {
			entries[i].Failure = f

			return
		}
	}
}

// ended notes the outcome of the branch, and keeps the recording when the message itself
// has ended.
func (p *path) ended(outcome connector.Outcome, cause error) {
	if p == nil {
		return
	}
	t := p.trail
	t.mu.Lock()
	defer t.mu.Unlock()
	b := &t.recording.Branches[p.index]
	b.Outcome, b.EndedMicros = outcome.String(), t.micros()
	if cause != nil {
		b.Cause = cause.Error()
	}
	if p.index > 0 {
		return
	}
	done := t.recording
	done.Branches = slices.Clone(done.Branches)
	for i := range done.Branches {
		done.Branches[i].Entries = slices.Clone(done.Branches[i].Entries)
	}
	t.recorder.keep(done, outcome)
}

// encode writes a value as JSON, within bounds and without what is redacted.
func (t *trail) encode(value any) (text []byte, err error) {
	defer func() {
		if r := recover(); r != nil { // of a MarshalJSON
			err = fmt.Errorf("writing the value as JSON panicked: %v", r)
		}
	}()
	if text, err = json.Marshal(value, json.Deterministic(true)); err != nil {
		return nil, fmt.Errorf("the value cannot be written as JSON: %w", err)
	}
	if most := t.recorder.config.MaxBytes; len(text) > most {
		return nil, fmt.Errorf("the value has %d bytes of JSON, more than RecorderConfig.MaxBytes, %d", len(text), most)
	}

	return t.redact.value(text)
}

// tap wraps the push of a stage for a run that is recorded, or that follows a script.
func tap(w *wiring, n *node, in any) any {
	next := n.in.loosen(in)
	name, script := w.plan.names[n], w.run.script
	var c *counter
	if script != nil {
		c = w.counter(n)
	}

	return n.in.tighten(func(ctx context.Context, it *item, value any) error {
		if it.path == nil {
			return next(ctx, it, value)
		}
		branch := it.path.enter(name, value)
		if script != nil {
			if f := script(branch, name); f.Err != nil {
				return rehearsed(ctx, c, it, f)
			}
		}

		return next(ctx, it, value)
	})
}

func rehearsed(ctx context.Context, c *counter, it *item, f rehearse.Failure) error {
	pause(ctx, f.After)

	return c.fail(it, f.Err)
}
