package httpconn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Intake is a source whose messages are HTTP requests, and the http.Handler that takes
// them in. Make one with [NewIntake]. Each request is answered from the outcome of its
// message, and only from it:
//
//   - Delivered, Duplicate and Filtered: 200. All three are done as the flow was told to.
//   - DeadLettered and Dropped: 202. The message is out of the client's hands, but what
//     becomes of it is for the people who run the flow.
//   - Returned: 422 when the cause is permanent, 504 when it is ambiguous, and otherwise
//     503 with Retry-After.
//   - No outcome within the Timeout: 504 when the message is on its way, because it may
//     still be delivered; 503 with Retry-After when no Reader took it, which also takes
//     it back.
//   - No Reader open, or the last one closed: 503 with Retry-After.
//
// A request cannot be handed out a second time, so returning a message to the Intake means
// answering with the error: the client sends it again. That is how the declared Returns
// is meant. A client that goes away before the answer changes nothing for its message.
//
// The ID of a message is the Idempotency-Key header, 1 to 255 printable ASCII characters,
// or else a new UUID (version 7). A client that repeats a request should send the same
// key, and the flow should process each key once.
//
// Several Readers may be open at the same time; they compete for the messages.
type Intake[T any] struct {
	config IntakeConfig
	codec  connector.Codec[T]
	desk   *desk[T]
}

// NewIntake returns an intake, or all errors of the configuration.
func NewIntake[T any](config IntakeConfig) (*Intake[T], error) {
	if err := config.complete(); err != nil {
		return nil, fmt.Errorf("httpconn: intake: %w", err)
	}
	codec, err := jsonCodec[T](config.MaxBody)
	if err != nil {
		return nil, fmt.Errorf("httpconn: intake: %w", err)
	}

	return &Intake[T]{config: config, codec: codec, desk: newDesk[T](config.MaxWaiting)}, nil
}

// Open starts taking requests in.
func (i *Intake[T]) Open(ctx context.Context) (connector.Reader[T], error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("httpconn: intake %s: open: %w", i.config.Name, err)
	}
	i.desk.open()

	return &intakeReader[T]{name: i.config.Name, desk: i.desk, taken: map[int64]*exchange[T]{}}, nil
}

// Describe declares that messages can be returned: their requests are answered so.
func (i *Intake[T]) Describe() connector.Capabilities {
	return connector.Capabilities{Name: "intake " + i.config.Name, Returns: true, Answers: true}
}

// ServeHTTP implements http.Handler.
func (i *Intake[T]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := requestID(w, r)
	deadline := time.Now().Add(i.config.Timeout)
	e, no := i.accept(w, r, deadline)
	if no == nil {
		no = i.answer(w, r, deadline, e)
	}
	if no != nil {
		onError(i.config.OnError).refuse(w, r, id, no)
	}
}

// accept makes a message of the request and queues it.
func (i *Intake[T]) accept(w http.ResponseWriter, r *http.Request, deadline time.Time) (e *exchange[T], no *refusal) {
	if err := i.desk.enter(); err != nil {
		return nil, i.closed(err)
	}
	queued := false
	defer func() {
		if cause := recover(); cause != nil { // a decoding method of T
			e, no = nil, panicked(cause)
		}
		if !queued {
			i.desk.leave()
		}
	}()
	if e, no = i.read(w, r, deadline); no != nil {
		return nil, no
	}
	if err := i.desk.queue(e); err != nil {
		return nil, i.closed(err)
	}
	queued = true

	return e, nil
}

func (i *Intake[T]) read(w http.ResponseWriter, r *http.Request, deadline time.Time) (*exchange[T], *refusal) {
	if no := checkMethod(r, i.config.Method); no != nil {
		return nil, no
	}
	if no := checkType(r); no != nil {
		return nil, no
	}
	fields, no := i.fields(r)
	if no != nil {
		return nil, no
	}
	defer limit(w, r, i.config.MaxBody, deadline)()
	body, no := readBody(r, i.config.MaxBody, new(bytes.Buffer))
	if no != nil {
		return nil, no
	}
	value, err := i.codec.Decode(body)
	if err != nil {
		return nil, badJSON(err)
	}

	return newExchange(value, fields), nil
}

func (i *Intake[T]) closed(err error) *refusal {
	return retryLater("not accepted: send it again", i.config.RetryAfter, err)
}

// answer waits for the outcome and sends it.
func (i *Intake[T]) answer(
	w http.ResponseWriter, r *http.Request, deadline time.Time, e *exchange[T],
) *refusal {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case s := <-e.settled:
		return i.reply(w, e, s)
	case <-r.Context().Done():
		return &refusal{status: statusClientGone, err: errors.New("the client went away before the outcome; its message goes on")}
	case <-timer.C:
	}
	if i.desk.withdraw(e) {
		return i.closed(errors.New("no reader took the message in time"))
	}
	select {
	case s := <-e.settled:
		return i.reply(w, e, s)
	default:
		return &refusal{
			status: http.StatusGatewayTimeout, detail: "accepted, but the outcome is not known yet",
			err: connector.Ambiguous(fmt.Errorf("no outcome of message %s within %s; it goes on", e.fields.ID, i.config.Timeout)),
		}
	}
}
