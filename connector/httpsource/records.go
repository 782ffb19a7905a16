package httpsource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/transform"
)

// RecordsConfig says which stream of records a [Records] reads.
type RecordsConfig[T any] struct {
	Endpoint

	// Format is that of the body, such as a *[transform.NDJSON]; required. It bounds each
	// record.
	Format transform.Format[T]
	// Cursor says where to go on after a record: its number, or its key. It is kept as
	// the checkpoint, so it needs a Store, and sent as the CursorParam by the next Open.
	// Default none: every Open reads from the beginning.
	Cursor func(T) string
	// CursorParam is the query parameter that carries the Cursor; default "cursor".
	CursorParam string
	// ID identifies a record, so that a flow can process it once. Default the Position.
	ID func(T) string
	// Idle is how long the service may send nothing; default 90 s.
	Idle time.Duration
}

const defaultIdle = 90 * time.Second

// Records is a source of the records of one answer, handed out as they arrive, in
// constant memory; an answer may go on for days. Make one with [NewRecords]. The end of
// the answer is the end of the source, and an answer that breaks off a transient error.
//
// The body is asked for without compression, and refused with it: an endless stream of
// zeros would fit into a few packets.
type Records[T, Row any] struct {
	config  RecordsConfig[T]
	address *url.URL
	client  *httpconn.Client
	// pick makes a message of a row, or ends the reading.
	pick func(transform.Row[T]) (Row, error)
}

// NewRecords returns a source that ends with a permanent *[transform.RowError] at the
// first bad record, or all errors of the configuration.
func NewRecords[T any](config RecordsConfig[T]) (*Records[T, T], error) {
	return newRecords(config, func(row transform.Row[T]) (T, error) { return row.Value, row.Err })
}

// NewRows returns a source like that of [NewRecords] which hands out good and bad records
// alike. The Cursor and the ID of a bad one are empty: the checkpoint passes it with the
// next good one.
func NewRows[T any](config RecordsConfig[T]) (*Records[T, transform.Row[T]], error) {
	return newRecords(config, func(row transform.Row[T]) (transform.Row[T], error) { return row, nil })
}

func newRecords[T, Row any](config RecordsConfig[T], pick func(transform.Row[T]) (Row, error)) (*Records[T, Row], error) {
	address, err := config.complete()
	errs := []error{err, setBound("Idle", &config.Idle, defaultIdle)}
	if config.Format == nil {
		errs = append(errs, errors.New("RecordsConfig.Format is nil: give a *transform.NDJSON, for one"))
	}
	switch {
	case config.Cursor != nil && config.Store == nil:
		errs = append(errs, errors.New("RecordsConfig.Cursor has no effect without Store"))
	case config.Cursor == nil && config.Store != nil:
		errs = append(errs, errors.New("RecordsConfig.Store has no effect without Cursor"))
	}
	switch {
	case config.Cursor == nil && config.CursorParam != "":
		errs = append(errs, errors.New("CursorParam has no effect without Cursor"))
	case config.CursorParam == "":
		config.CursorParam = "cursor"
	}
	client, err := httpconn.NewClient(config.Client)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, fmt.Errorf("httpsource: records %q: %w", config.Name, err)
	}
	config.Header.Set("Accept-Encoding", "identity")

	return &Records[T, Row]{config: config, address: address, client: client, pick: pick}, nil
}

// Describe names the address, without its query and user.
func (s *Records[T, Row]) Describe() connector.Capabilities { return s.config.describe(s.address) }

// Open starts at the checkpoint, or at the beginning.
func (s *Records[T, Row]) Open(ctx context.Context) (connector.Reader[Row], error) {
	checkpoint, from, err := openCheckpoint(ctx, s.config.Store, s.config.Name)
	if err != nil {
		return nil, err
	}
	run := func(ctx context.Context, send func(record[Row]) bool) error {
		err := s.read(ctx, from, send)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("httpsource: records %q: %w", s.config.Name, err)
		}

		return err
	}

	return newStream(fmt.Sprintf("records %q", s.config.Name), checkpoint, run, s.client.Close), nil
}

func (s *Records[T, Row]) read(ctx context.Context, at place, send func(record[Row]) bool) error {
	response, body, end, err := s.config.open( //nolint:bodyclose // end closes it
		ctx, s.client, s.target(at.Cursor), s.config.Header, s.config.Idle)
	if err != nil {
		return err
	}
	defer end()
	rows := s.config.Format.NewReader(body)
	for {
		row, err := rows.Read()
		if err != nil && !errors.Is(err, io.EOF) {
			err = broken(response.Request.Context(), err)
		}
		var value Row
		if err == nil {
			value, err = s.pick(row)
		}
		if err != nil {
			return err
		}
		at.Offset++
		r := record[Row]{value: value, fields: connector.Fields{Position: connector.Position{Partition: s.config.Name, Offset: at.Offset}}}
		if row.Err == nil {
			s.mark(&r, &at, row.Value)
		}
		if !send(r) {
			return nil
		}
	}
}

// mark sets the ID of a good record and the place behind it.
func (s *Records[T, Row]) mark(r *record[Row], at *place, value T) {
	if s.config.ID != nil {
		r.fields.ID = s.config.ID(value)
	}
	if s.config.Cursor != nil {
		at.Cursor = s.config.Cursor(value)
		r.behind, r.resumes = *at, at.Cursor != ""
	}
}

func (s *Records[T, Row]) target(cursor string) string {
	address := *s.address
	if cursor != "" {
		query := address.Query()
		query.Set(s.config.CursorParam, cursor)
		address.RawQuery = query.Encode()
	}

	return address.String()
}

// open asks for the address within the Timeout and returns a body that is watched from
// then on. The returned function ends the request.
func (e *Endpoint) open(
	ctx context.Context, client *httpconn.Client, target string, header http.Header, idle time.Duration,
) (*http.Response, io.Reader, func(), error) {
	ctx, body := watch(ctx, e.Timeout)
	response, err := client.Get(ctx, target, header)
	if err != nil {
		defer body.end()

		return nil, nil, nil, cause(ctx, err)
	}
	body.begun(response.Body, idle)
	end := func() {
		body.end()
		_ = response.Body.Close() // it was read to its end, or given up
	}
	if encoding := response.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		end()

		return nil, nil, nil, connector.Permanent(fmt.Errorf("content encoding %.40q, which was not asked for", encoding))
	}
	if response.StatusCode == http.StatusNotModified {
		end()

		return nil, nil, nil, connector.Permanent(errors.New("status 304 without a condition"))
	}

	return response, body, end, nil
}

// broken is the error of a body that cannot be read on.
func broken(ctx context.Context, err error) error {
	if err = cause(ctx, err); connector.ClassOf(err) != connector.ClassUnknown {
		return err
	}

	return connector.Transient(fmt.Errorf("the stream broke off: %w", err))
}
