package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
)

// HeaderAttempts is the header of a message that counts its failed attempts.
const HeaderAttempts = "webhook-attempts"

// RetryConfig says where a [Retry] puts webhooks that failed.
type RetryConfig[T any] struct {
	// Queue is where the webhooks come from; required. It must declare
	// [connector.Capabilities].Delays, and be durable to keep them over a restart.
	Queue connector.Sink[T]
	// Failed gets those that are given up; required.
	Failed connector.Sink[connector.DeadLetter[T]]
	// Schedule is when to try again; default [StandardSchedule].
	Schedule Schedule
	// Timeout bounds a write to the Queue, which waits while it is full; default 10 s.
	Timeout time.Duration
}

// Retry is the dead-letter sink of a flow that sends webhooks from a queue: it puts a
// webhook that failed back into the queue, to be sent when the [Schedule] says so, and
// gives it up after the last attempt. Make one with [NewRetry].
//
// It tries again after every answer but 410 Gone, and after every error that is not
// permanent; a wait that the receiver asked for is kept where it is longer than the
// schedule's. In the ledger each failed attempt is a message that was dead-lettered, with
// its cause, and each further attempt a message of its own. Later webhooks of the same
// key overtake one that waits.
//
// A Retry is safe for concurrent use where its sinks are.
type Retry[T any] struct {
	config RetryConfig[T]
}

// NewRetry returns a dead-letter sink, or all errors of the configuration.
func NewRetry[T any](config RetryConfig[T]) (*Retry[T], error) {
	var errs []error
	switch {
	case config.Queue == nil:
		errs = append(errs, errors.New("RetryConfig.Queue is nil"))
	case !connector.Describe(config.Queue).Delays:
		errs = append(errs, fmt.Errorf("RetryConfig.Queue, %q, does not declare Delays: it would try again at once", connector.Describe(config.Queue).Name))
	}
	if config.Failed == nil {
		errs = append(errs, errors.New("RetryConfig.Failed is nil"))
	}
	for i, wait := range config.Schedule {
		if wait <= 0 {
			errs = append(errs, fmt.Errorf("RetryConfig.Schedule[%d] is %v: want more than 0", i, wait))
		}
	}
	errs = append(errs, setBound("RetryConfig.Timeout", &config.Timeout, defaultTimeout))
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("webhook: retry: %w", err)
	}
	if config.Schedule == nil {
		config.Schedule = StandardSchedule()
	}

	return &Retry[T]{config: config}, nil
}

// Describe names the queue, and is durable where both sinks are.
func (r *Retry[T]) Describe() connector.Capabilities {
	queue, failed := connector.Describe(r.config.Queue), connector.Describe(r.config.Failed)

	return connector.Capabilities{Name: "retry through " + queue.Name, Durable: queue.Durable && failed.Durable}
}

// Write puts each webhook into the queue or gives it up.
func (r *Retry[T]) Write(ctx context.Context, letters []connector.Message[connector.DeadLetter[T]]) error {
	result := connector.NewPartialError(len(letters))
	failed := false
	for i, letter := range letters {
		member := connector.Member{Fate: connector.Accepted, Err: r.one(ctx, letter)}
		switch {
		case member.Err == nil:
		case connector.ClassOf(member.Err) == connector.ClassAmbiguous:
			member.Fate, failed = connector.Unclear, true
		default:
			member.Fate, failed = connector.Failed, true
		}
		result.Members[i] = member
	}
	switch {
	case !failed:
		return nil
	case len(letters) == 1:
		return result.Members[0].Err
	default:
		return result
	}
}

func (r *Retry[T]) one(ctx context.Context, letter connector.Message[connector.DeadLetter[T]]) error {
	attempts := 1 + attemptsOf(letter.Meta)
	wait, again := r.config.Schedule.After(attempts)
	if !again || final(letter.Value.Err) {
		return r.config.Failed.Write(ctx, []connector.Message[connector.DeadLetter[T]]{letter})
	}
	if asked, ok := connector.RetryAfter(letter.Value.Err); ok {
		wait = max(wait, asked)
	}
	ctx, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	// The ID is that of the webhook from now on, not of a place in the queue.
	meta := letter.WithID(letter.ID()).WithHeader(HeaderAttempts, strconv.Itoa(attempts))
	meta = meta.WithNotBefore(time.Now().Add(wait))

	return r.config.Queue.Write(ctx, []connector.Message[T]{{Meta: meta, Value: letter.Value.Value}})
}

// attemptsOf counts the attempts before this one.
func attemptsOf(meta *connector.Meta) int {
	n, err := strconv.Atoi(meta.Header(HeaderAttempts))
	if err != nil || n < 0 {
		return 0
	}

	return n
}

// final reports whether another attempt must fail too: the receiver wants no more, or the
// request could not be made at all.
func final(err error) bool {
	if status, ok := errors.AsType[*httpconn.StatusError](err); ok {
		return status.Code == http.StatusGone
	}

	return connector.ClassOf(err) == connector.ClassPermanent
}
