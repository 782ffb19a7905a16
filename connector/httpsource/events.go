package httpsource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
)

// EventsConfig says which stream an [Events] follows.
type EventsConfig struct {
	Endpoint

	// Retry is how long to wait before a stream that ended is opened again, unless it says
	// so itself; default 3 s.
	Retry time.Duration
	// MaxRetry bounds what the stream may ask for, from 100 ms; default 1 min.
	MaxRetry time.Duration
	// MaxEvent is the most bytes of an event; default 1 MiB.
	MaxEvent int
	// Idle is how long the stream may send nothing, comments included; default 90 s. It
	// counts as ended then.
	Idle time.Duration
}

const (
	defaultRetry    = 3 * time.Second
	defaultMaxRetry = time.Minute
	defaultEvent    = 1 << 20
	contentEvents   = "text/event-stream"
)

// Events is a source of server-sent events. Make one with [NewEvents].
//
// A stream that was open and ends, breaks off or falls silent is opened again after the
// Retry, with the ID of the last event as Last-Event-ID; so is one that a new reader
// opens, from the checkpoint. A request that is refused or fails is an error, and an
// answer of 204 the end of the source. Events that the service gives no ID are lost while
// nobody listens, as in a browser.
//
// The ID of a message is that of the stream's name and the ID of the event, such as
// "prices:17", where the event has one of its own; the type is in the header "event".
type Events struct {
	config  EventsConfig
	address *url.URL
	client  *httpconn.Client
}

// NewEvents returns a source, or all errors of the configuration.
func NewEvents(config EventsConfig) (*Events, error) {
	address, err := config.complete()
	client, clientErr := httpconn.NewClient(config.Client)
	err = errors.Join(err, clientErr,
		setBound("Retry", &config.Retry, defaultRetry),
		setBound("MaxRetry", &config.MaxRetry, defaultMaxRetry),
		setBound("MaxEvent", &config.MaxEvent, defaultEvent),
		setBound("Idle", &config.Idle, defaultIdle))
	if err != nil {
		return nil, fmt.Errorf("httpsource: events %q: %w", config.Name, err)
	}
	config.Header.Set("Accept", contentEvents)
	config.Header.Set("Accept-Encoding", "identity")
	config.Header.Set("Cache-Control", "no-store")

	return &Events{config: config, address: address, client: client}, nil
}

// Describe names the address, without its query and user.
func (s *Events) Describe() connector.Capabilities { return s.config.describe(s.address) }

// Open starts behind the event of the checkpoint.
func (s *Events) Open(ctx context.Context) (connector.Reader[Event], error) {
	checkpoint, from, err := openCheckpoint(ctx, s.config.Store, s.config.Name)
	if err != nil {
		return nil, err
	}
	run := func(ctx context.Context, send func(record[Event]) bool) error {
		f := &following{events: s, at: from, wait: s.config.Retry, send: send}
		err := f.follow(ctx)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("httpsource: events %q: %w", s.config.Name, err)
		}

		return err
	}

	return newStream(fmt.Sprintf("events %q", s.config.Name), checkpoint, run, s.client.Close), nil
}

// following is one reader's way along the stream.
type following struct {
	events *Events
	at     place
	wait   time.Duration
	send   func(record[Event]) bool
	// gone says that nobody reads any more.
	gone bool
}

// follow opens the stream again and again.
func (f *following) follow(ctx context.Context) error {
	for {
		if err := f.once(ctx); err != nil || f.gone {
			return err
		}
		if sleepUntil(ctx, time.Now().Add(f.wait)) != nil {
			return nil // closed
		}
	}
}

// once follows the stream to its end, which is no error.
func (f *following) once(ctx context.Context) error {
	header := f.events.config.Header
	if f.at.Cursor != "" {
		header = header.Clone()
		header.Set("Last-Event-ID", f.at.Cursor)
	}
	response, body, end, err := f.events.config.open( //nolint:bodyclose // end closes it
		ctx, f.events.client, f.events.address.String(), header, f.events.config.Idle)
	if err != nil {
		return err
	}
	defer end()
	if response.StatusCode == http.StatusNoContent {
		return io.EOF
	}
	if media, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || media != contentEvents {
		return connector.Permanent(fmt.Errorf("content type %.100q, want %s", response.Header.Get("Content-Type"), contentEvents))
	}
	reader := newEventReader(body, f.events.config.MaxEvent, f.at.Cursor)
	defer func() { f.at.Cursor, f.wait = reader.last, reader.wait(f.wait, f.events.config.MaxRetry) }()
	for !f.gone {
		event, err := reader.next()
		if connector.ClassOf(err) == connector.ClassPermanent {
			return err
		}
		if err != nil {
			return nil // it ended, broke off or fell silent
		}
		f.gone = !f.send(f.record(event))
	}

	return nil
}

func (f *following) record(event Event) record[Event] {
	f.at.Offset++
	fields := connector.Fields{
		Position: connector.Position{Partition: f.events.config.Name, Offset: f.at.Offset},
		Headers:  map[string]string{"event": event.Type},
	}
	if event.ID != f.at.Cursor {
		fields.ID = f.events.config.Name + ":" + event.ID
	}
	f.at.Cursor = event.ID

	return record[Event]{value: event, fields: fields, behind: f.at, resumes: event.ID != ""}
}
