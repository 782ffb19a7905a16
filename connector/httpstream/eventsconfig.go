package httpstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/transform"
)

// EventsConfig bounds an [Events]. The zero value is ready to use.
type EventsConfig[T any] struct {
	// Name is the endpoint in errors and metrics; default "events".
	Name string
	// Codec makes the data of an event; default JSON. What it writes must be UTF-8.
	Codec connector.Codec[T]
	// Type is what an event is called; default "message", which is not sent. It must be
	// one line, and not "gap".
	Type func(T) string
	// History is how many events are kept for listeners that are behind; default 1,000.
	History int
	// HistoryBytes is the most bytes of them; default 8 MiB. A larger event is refused.
	HistoryBytes int
	// Retry is what listeners are told to wait before they come back; default 3 s.
	Retry time.Duration
	// Heartbeat is how often a comment is sent where there is no event; default 15 s.
	Heartbeat time.Duration
	// FlushInterval is how long events may wait for others to be sent together; default
	// 10 ms.
	FlushInterval time.Duration
	// WriteTimeout is how long a listener may take nothing; default 10 s.
	WriteTimeout time.Duration
	// MaxClients is the most listeners at once; default 1,000. One more is answered 503.
	MaxClients int
	// OnError gets every request that is answered with an error, and every listener that
	// could not be written to. It may run concurrently. Default none.
	OnError func(ctx context.Context, failure httpconn.Failure)
}

const (
	defaultHistory      = 1_000
	defaultHistoryBytes = 8 << 20
	defaultRetry        = 3 * time.Second
	defaultHeartbeat    = 15 * time.Second
)

func (c *EventsConfig[T]) complete() error {
	if c.Name == "" {
		c.Name = "events"
	}
	errs := []error{
		setBound("EventsConfig.History", &c.History, defaultHistory),
		setBound("EventsConfig.HistoryBytes", &c.HistoryBytes, defaultHistoryBytes),
		setBound("EventsConfig.Retry", &c.Retry, defaultRetry),
		setBound("EventsConfig.Heartbeat", &c.Heartbeat, defaultHeartbeat),
		setBound("EventsConfig.FlushInterval", &c.FlushInterval, defaultFlush),
		setBound("EventsConfig.WriteTimeout", &c.WriteTimeout, defaultWrite),
		setBound("EventsConfig.MaxClients", &c.MaxClients, defaultClients),
	}
	if c.Codec == nil && c.HistoryBytes > 0 {
		codec, err := transform.NewJSON[T](transform.JSONConfig{MaxBytes: c.HistoryBytes})
		c.Codec, errs = codec, append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("httpstream: events %q: %w", c.Name, err)
	}

	return nil
}
