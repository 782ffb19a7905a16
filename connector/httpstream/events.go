package httpstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
)

// Events is a sink, and the handler that sends its messages to everyone who listens, as
// server-sent events. Make one with [NewEvents].
//
// A message is accepted when it is in the history, whether anyone listens or not. A
// listener starts with the next event, or with Last-Event-ID behind the event that it
// names. Where the history does not go back that far, because the listener is too slow,
// was away for too long, or comes from before a restart, it gets an event of type "gap",
// whose data is {"missed":12}, or {} when the number is not known, and then what there is.
type Events[T any] struct {
	config  EventsConfig[T]
	history *history
}

var (
	errClosed = fmt.Errorf("httpstream: events: %w", connector.ErrClosed)
	errGap    = errors.New(`the type "gap" is taken`)
)

const (
	typeGap = "gap"
	// sendEvents is how many events are written at once.
	sendEvents = 256
)

// NewEvents returns a sink and handler, or all errors of the configuration.
func NewEvents[T any](config EventsConfig[T]) (*Events[T], error) {
	if err := config.complete(); err != nil {
		return nil, err
	}

	return &Events[T]{config: config, history: newHistory(config.History, config.HistoryBytes, config.MaxClients)}, nil
}

// Describe names the sink.
func (e *Events[T]) Describe() connector.Capabilities {
	return connector.Capabilities{Name: e.config.Name}
}

// Write makes events of the messages. It does not wait for listeners.
func (e *Events[T]) Write(ctx context.Context, messages []connector.Message[T]) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("httpstream: %s: write: %w", e.config.Name, context.Cause(ctx))
	}
	result := connector.NewPartialError(len(messages))
	bodies := make([][]byte, 0, len(messages))
	var first error
	for i, m := range messages {
		body, err := e.encode(m.Value)
		if err != nil {
			err = connector.Permanent(fmt.Errorf("httpstream: %s: message %s: %w", e.config.Name, m.ID(), err))
			result.Members[i] = connector.Member{Fate: connector.Failed, Err: err}
			first = errors.Join(first, err)

			continue
		}
		result.Members[i].Fate = connector.Accepted
		bodies = append(bodies, body)
	}
	if len(bodies) > 0 && !e.history.add(bodies) {
		return fmt.Errorf("httpstream: %s: %w: stop the pipeline first", e.config.Name, connector.ErrClosed)
	}
	switch {
	case first == nil:
		return nil
	case len(messages) == 1:
		return result.Members[0].Err
	default:
		return result
	}
}

// encode makes the lines of an event, without its id and its end.
func (e *Events[T]) encode(value T) ([]byte, error) {
	kind := ""
	if e.config.Type != nil {
		kind = e.config.Type(value)
	}
	switch {
	case kind == typeGap:
		return nil, errGap
	case strings.ContainsAny(kind, "\r\n\x00") || !utf8.ValidString(kind):
		return nil, fmt.Errorf("the type %.60q is not one line of UTF-8", kind)
	}
	data, err := e.config.Codec.Append(nil, value)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(data) {
		return nil, errors.New("the data is not UTF-8")
	}
	body := appendEvent(nil, kind, data)
	if len(body) > e.config.HistoryBytes {
		return nil, &connector.LimitError{What: "event", Size: int64(len(body)), Limit: int64(e.config.HistoryBytes)}
	}

	return body, nil
}

// appendEvent adds the lines of type and data. Each line end in the data starts a line.
func appendEvent(dst []byte, kind string, data []byte) []byte {
	if kind != "" && kind != "message" {
		dst = append(append(append(dst, "event: "...), kind...), '\n')
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		dst = append(append(append(dst, "data: "...), line...), '\n')
	}

	return dst
}

// Close ends the answers to all listeners, which http.Server.Shutdown waits for. Further
// ones are answered 503, and Write fails, because nobody would hear it: stop the pipeline
// first.
func (e *Events[T]) Close() error {
	e.history.close()

	return nil
}

// ServeHTTP implements http.Handler.
func (e *Events[T]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		notAllowed(http.MethodGet, r).Answer(w, r, e.config.OnError)

		return
	}
	number, known, err := e.history.listen(r.Header.Get("Last-Event-ID"))
	if err != nil {
		problem := tooMany(e.config.MaxClients)
		problem.Err = err
		problem.Answer(w, r, e.config.OnError)

		return
	}
	defer e.history.leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy that buffers would hold events back
	l := &listener{history: e.history, stream: newPaced(w, e.config.FlushInterval, e.config.WriteTimeout), number: number}
	err = l.serve(r.Context(), known, e.config.Retry, e.config.Heartbeat)
	if err = errors.Join(err, l.stream.end()); err != nil && r.Context().Err() == nil && e.config.OnError != nil {
		e.config.OnError(r.Context(), httpconn.Failure{Method: r.Method, Path: r.URL.Path, Status: http.StatusOK, Err: err})
	}
}

// listener is one answer on its way.
type listener struct {
	history *history
	stream  *paced
	// number is that of the last event that was sent.
	number uint64
	buffer []byte
}

func (l *listener) serve(ctx context.Context, known bool, retry, heartbeat time.Duration) error {
	l.buffer = fmt.Appendf(l.buffer, "retry: %d\n\n", retry.Milliseconds())
	if !known {
		l.gap("{}")
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		next := l.history.after(l.number, sendEvents)
		if next.missed > 0 {
			l.number += next.missed
			l.gap(fmt.Sprintf(`{"missed":%d}`, next.missed))
		}
		l.take(next.events)
		if err := l.write(); err != nil {
			return err
		}
		if len(next.events) > 0 {
			beat.Reset(heartbeat)

			continue
		}
		if next.closed {
			return nil
		}
		select {
		case <-next.wake:
		case <-beat.C:
			l.buffer = append(l.buffer, ":\n\n"...)
		case <-ctx.Done():
			return nil
		}
	}
}

// gap says that events are missing before the next one.
func (l *listener) gap(data string) {
	l.buffer = appendEvent(l.buffer, typeGap, []byte(data))
	l.finish()
}

func (l *listener) take(events []entry) {
	for _, event := range events {
		l.number = event.number
		l.buffer = append(l.buffer, event.body...)
		l.finish()
	}
}

func (l *listener) finish() {
	l.buffer = append(append(append(l.buffer, "id: "...), l.history.id(l.number)...), "\n\n"...)
}

func (l *listener) write() error {
	if len(l.buffer) == 0 {
		return nil
	}
	_, err := l.stream.Write(l.buffer)
	l.buffer = l.buffer[:0]

	return err
}
