package httpstream

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/transform"
)

// RecordsConfig says how [Records] are sent. The zero value serves GET with NDJSON.
type RecordsConfig[T any] struct {
	// Method is GET or POST; default GET. Others are answered 405.
	Method string
	// Format is that of the body; default NDJSON.
	Format transform.Format[T]
	// ContentType is that of the Format; default application/x-ndjson. It is required with
	// another Format.
	ContentType string
	// FlushInterval is how long records may wait for others to be sent together; default
	// 10 ms.
	FlushInterval time.Duration
	// WriteTimeout is how long a client may take nothing; default 10 s.
	WriteTimeout time.Duration
	// MaxClients is the most requests that are served at once; default 1,000. One more is
	// answered 503.
	MaxClients int
	// OnError gets every request that is not answered to its end, with the error that the
	// client is not told. It may run concurrently. Default none.
	OnError func(ctx context.Context, failure httpconn.Failure)
}

const (
	defaultFlush   = 10 * time.Millisecond
	defaultWrite   = 10 * time.Second
	defaultClients = 1_000
	contentNDJSON  = "application/x-ndjson"
)

// Records is a handler that answers with a stream of records, in constant memory. Make one
// with [NewRecords].
//
// An error before the first record is answered by its class, as [httpconn.Handler] does.
// A later one, and a record that cannot be encoded, break the answer off: the connection
// is closed without the end that a client waits for. The context of the request ends when
// the client goes away.
type Records[T any] struct {
	query  func(*http.Request) iter.Seq2[T, error]
	config RecordsConfig[T]
	places chan struct{}
}

// NewRecords returns a handler that answers with what query returns, or all errors of the
// configuration. The first error of the sequence ends it.
func NewRecords[T any](query func(*http.Request) iter.Seq2[T, error], config RecordsConfig[T]) (*Records[T], error) {
	err := config.complete()
	if query == nil {
		err = errors.Join(errors.New("the query is nil"), err)
	}
	if err != nil {
		return nil, fmt.Errorf("httpstream: records: %w", err)
	}

	return &Records[T]{query: query, config: config, places: make(chan struct{}, config.MaxClients)}, nil
}

func (c *RecordsConfig[T]) complete() error {
	var errs []error
	if c.Method == "" {
		c.Method = http.MethodGet
	}
	if c.Method != http.MethodGet && c.Method != http.MethodPost {
		errs = append(errs, fmt.Errorf("RecordsConfig.Method %q is neither GET nor POST", c.Method))
	}
	switch {
	case c.Format == nil && c.ContentType == "":
		c.ContentType = contentNDJSON
	case c.Format != nil && c.ContentType == "":
		errs = append(errs, errors.New("RecordsConfig.ContentType is empty: say which that of the Format is"))
	}
	if c.Format == nil {
		format, err := transform.NewNDJSON[T](transform.NDJSONConfig{})
		c.Format, errs = format, append(errs, err)
	}
	errs = append(errs,
		setBound("RecordsConfig.FlushInterval", &c.FlushInterval, defaultFlush),
		setBound("RecordsConfig.WriteTimeout", &c.WriteTimeout, defaultWrite),
		setBound("RecordsConfig.MaxClients", &c.MaxClients, defaultClients))

	return errors.Join(errs...)
}

// ServeHTTP implements http.Handler.
func (h *Records[T]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != h.config.Method {
		notAllowed(h.config.Method, r).Answer(w, r, h.config.OnError)

		return
	}
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
	default:
		tooMany(cap(h.places)).Answer(w, r, h.config.OnError)

		return
	}
	answer := &answering[T]{handler: h, w: w, r: r}
	switch err := answer.send(); {
	case err == nil:
	case answer.stream == nil:
		httpconn.ProblemOf(r, err).Answer(w, r, h.config.OnError)
	default:
		answer.report(err)
		panic(http.ErrAbortHandler) // the only way to break an answer off
	}
}

// answering is one answer on its way.
type answering[T any] struct {
	handler *Records[T]
	w       http.ResponseWriter
	r       *http.Request
	// stream is there when the answer has begun.
	stream *paced
	buffer []byte
}

// send answers; an error before the stream was begun can still be answered.
func (a *answering[T]) send() (err error) {
	defer func() {
		if cause := recover(); cause != nil { // the query's code
			err = fmt.Errorf("httpstream: panic: %v\n%s", cause, debug.Stack())
		}
		if a.stream != nil {
			err = errors.Join(err, a.stream.end())
		}
	}()
	a.buffer = a.handler.config.Format.AppendHeader(nil)
	for value, err := range a.handler.query(a.r) {
		if err != nil {
			return err
		}
		if a.buffer, err = a.handler.config.Format.Append(a.buffer, value); err != nil {
			return fmt.Errorf("httpstream: encode: %w", err)
		}
		if err := a.write(); err != nil {
			return err
		}
	}
	a.begin() // an answer without records

	return a.write()
}

func (a *answering[T]) begin() {
	if a.stream != nil {
		return
	}
	a.w.Header().Set("Content-Type", a.handler.config.ContentType)
	a.w.Header().Set("X-Content-Type-Options", "nosniff")
	a.stream = newPaced(a.w, a.handler.config.FlushInterval, a.handler.config.WriteTimeout)
}

func (a *answering[T]) write() error {
	a.begin()
	_, err := a.stream.Write(a.buffer)
	a.buffer = a.buffer[:0]

	return err
}

func (a *answering[T]) report(err error) {
	if a.handler.config.OnError != nil {
		a.handler.config.OnError(a.r.Context(), httpconn.Failure{
			Method: a.r.Method, Path: a.r.URL.Path, Status: http.StatusOK, Err: err,
		})
	}
}

func notAllowed(method string, r *http.Request) httpconn.Problem {
	return httpconn.Problem{
		Status: http.StatusMethodNotAllowed, Detail: "use " + method, Header: http.Header{"Allow": {method}},
		Err: fmt.Errorf("method %.20q", r.Method),
	}
}

func tooMany(most int) httpconn.Problem {
	return httpconn.Problem{
		Status: http.StatusServiceUnavailable, Detail: "too many clients: try again later", RetryAfter: time.Second,
		Err: fmt.Errorf("httpstream: %d clients are served", most),
	}
}

// setBound puts the default in place of zero and refuses a negative bound.
func setBound[N ~int | ~int64](name string, bound *N, standard N) error {
	if *bound < 0 {
		return fmt.Errorf("%s is %v: give 0 for the default of %v, or more", name, *bound, standard)
	}
	if *bound == 0 {
		*bound = standard
	}

	return nil
}
