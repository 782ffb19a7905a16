package httpconn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// HandlerConfig says how a [Handler] reads requests, and within which bounds. The zero
// value serves POST with a JSON body.
type HandlerConfig[Req any] struct {
	// Method is GET, POST, PUT, PATCH or DELETE; default POST. Others are answered 405.
	Method string
	// Decode makes the request from path, query, header or body in place of the JSON
	// body; its errors are answered 400. GET and DELETE need it. The body it sees is
	// bounded by MaxBody. What it returns must not refer to the *http.Request, which a
	// call may outlive.
	Decode func(*http.Request) (Req, error)
	// MaxBody is the most bytes of a request body, and of a reply; default 1 MiB. A
	// longer request is answered 413.
	MaxBody int
	// Timeout bounds a request from its header to the answer; default 30 s. A body that
	// takes longer is answered 408, a call that does 504. The context of the call ends
	// then; a call that ignores it goes on without its client.
	Timeout time.Duration
	// MaxCalls is the most calls that run at once, with those that ignore the end of
	// their context; default 1000. Further requests are answered 503 with Retry-After.
	MaxCalls int
	// OnError gets every request that is not answered with success, with the error that
	// the client is not told, and a second time, marked Late, when its call fails after
	// the answer. It may run concurrently. Default none.
	OnError func(ctx context.Context, failure Failure)
}

const (
	defaultServeTimeout = 30 * time.Second
	defaultCalls        = 1_000
)

// Handler serves a Step, or any other [connector.Caller], over HTTP. Make one with
// [NewHandler].
//
// The reply is answered 200 with a JSON body. Of the errors, permanent ones are answered
// 422, throttled ones 429 with Retry-After, transient ones 503 with Retry-After, ambiguous
// ones 502, others and panics 500. Each call runs on a goroutine of its own, so the answer
// comes at the Timeout even where the call does not.
type Handler[Req, Resp any] struct {
	caller connector.Caller[Req, Resp]
	config HandlerConfig[Req]
	decode connector.Codec[Req]
	encode connector.Codec[Resp]
	// places has room for the calls that may run at once.
	places chan struct{}
}

// NewHandler returns a handler that answers with caller, or all errors of the
// configuration.
func NewHandler[Req, Resp any](
	caller connector.Caller[Req, Resp], config HandlerConfig[Req],
) (*Handler[Req, Resp], error) {
	err := config.complete()
	if caller == nil {
		err = errors.Join(errors.New("the caller is nil"), err)
	}
	if err != nil {
		return nil, fmt.Errorf("httpconn: handler: %w", err)
	}
	h := &Handler[Req, Resp]{caller: caller, config: config, places: make(chan struct{}, config.MaxCalls)}
	if h.decode, err = jsonCodec[Req](config.MaxBody); err != nil {
		return nil, fmt.Errorf("httpconn: handler: %w", err)
	}
	if h.encode, err = jsonCodec[Resp](config.MaxBody); err != nil {
		return nil, fmt.Errorf("httpconn: handler: %w", err)
	}

	return h, nil
}

func (c *HandlerConfig[Req]) complete() error {
	if c.Method == "" {
		c.Method = http.MethodPost
	}
	errs := []error{
		checkServed("HandlerConfig.Method", c.Method, http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete),
		setBound("HandlerConfig.MaxBody", &c.MaxBody, defaultBody),
		setBound("HandlerConfig.Timeout", &c.Timeout, defaultServeTimeout),
		setBound("HandlerConfig.MaxCalls", &c.MaxCalls, defaultCalls),
	}
	if c.Decode == nil && !hasBody(c.Method) {
		errs = append(errs, fmt.Errorf("HandlerConfig.Method %s has no body: give Decode", c.Method))
	}

	return errors.Join(errs...)
}

// checkServed refuses a configured method that is not one of the allowed ones.
func checkServed(option, method string, allowed ...string) error {
	if slices.Contains(allowed, method) {
		return nil
	}

	return fmt.Errorf("%s %q is not one of %v", option, method, allowed)
}

// ServeHTTP implements http.Handler.
func (h *Handler[Req, Resp]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, space := requestID(w, r), newScratch()
	defer space.free()
	reply, no := h.answer(w, r, id, space)
	if no != nil {
		onError(h.config.OnError).refuse(w, r, id, no)

		return
	}
	send(w, http.StatusOK, contentJSON, reply)
}

func (h *Handler[Req, Resp]) answer(
	w http.ResponseWriter, r *http.Request, id string, space *scratch,
) (reply []byte, no *refusal) {
	defer func() {
		if cause := recover(); cause != nil { // Decode, a decoding method of Req, or an encoding one of Resp
			no = panicked(cause)
		}
	}()
	if no := checkMethod(r, h.config.Method); no != nil {
		return nil, no
	}
	deadline := time.Now().Add(h.config.Timeout)
	req, no := h.read(w, r, deadline, space)
	if no != nil {
		return nil, no
	}
	resp, no := h.call(r, id, deadline, req)
	if no != nil {
		return nil, no
	}
	space.Reset()
	reply, err := h.encode.Append(space.AvailableBuffer(), resp)
	if err != nil {
		return nil, internal(fmt.Errorf("httpconn: encode the reply: %w", err))
	}
	space.Buffer = *bytes.NewBuffer(reply) // it may have grown

	return reply, nil
}

func (h *Handler[Req, Resp]) read(
	w http.ResponseWriter, r *http.Request, deadline time.Time, space *scratch,
) (Req, *refusal) {
	defer limit(w, r, h.config.MaxBody, deadline)()
	if h.config.Decode != nil {
		req, err := h.config.Decode(r)
		if err != nil {
			return req, undecoded(r, err)
		}

		return req, nil
	}
	var none Req
	if no := checkType(r); no != nil {
		return none, no
	}
	body, no := readBody(r, h.config.MaxBody, &space.Buffer)
	if no != nil {
		return none, no
	}
	req, err := h.decode.Decode(body)
	if err != nil {
		return none, badJSON(err)
	}

	return req, nil
}

// panicked is the refusal of a request whose code panicked.
func panicked(cause any) *refusal {
	no := internal(fmt.Errorf("httpconn: panic: %v", cause))
	no.stack = debug.Stack()

	return no
}

func internal(err error) *refusal {
	return &refusal{
		status: http.StatusInternalServerError, detail: "the request could not be processed", err: err,
	}
}
