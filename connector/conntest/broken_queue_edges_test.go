package conntest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
)

// rewritten changes each message before it is written.
func rewritten(edit func(m message) message) func(*testing.T) {
	return writing(func(list []message) []message {
		for i, m := range list {
			list[i] = edit(m)
		}

		return list
	})
}

func edgyQueues() map[string]broken {
	return map[string]broken{
		"drops empty values": {writing(func(list []message) []message {
			return slices.DeleteFunc(list, func(m message) bool { return m.Value == "" })
		}), failed("edge/values")},
		"refuses all for one": {durableTest(func(q *queue) {
			q.write = func(ctx context.Context, list []message) error {
				err := q.Queue.Write(ctx, list)
				if partial, ok := errors.AsType[*connector.PartialError](err); ok {
					return connector.Permanent(partial.Unwrap())
				}

				return err
			}
		}, nil), failed("edge/a refused value fails alone")},
		"cuts long values": {durableTest(func(q *queue) {
			q.write = func(ctx context.Context, list []message) error {
				list = slices.Clone(list)
				for i, m := range list {
					list[i].Value = m.Value[:min(len(m.Value), maxBody)]
				}

				return q.Queue.Write(ctx, list)
			}
		}, nil), failed("edge/nothing but refused values")},
		"drops empty headers": {rewritten(func(m message) message {
			fields := m.Fields()
			headers := map[string]string{}
			for name, value := range fields.Headers {
				if value != "" {
					headers[name] = value
				}
			}
			fields.Headers = headers

			return connector.NewMessage(m.Value, fields)
		}), failed("edge/headers")},
		"cuts long headers": {rewritten(func(m message) message {
			if m.Meta != nil {
				m.Meta = m.WithHeader("name", m.Header("name")[:min(len(m.Header("name")), maxHeaders-10)])
			}

			return m
		}), failed("edge/headers over the bound")},
		"buries without headers": {burying(func(l *connector.DeadLetter[string]) { l.Headers = nil }), failed("dead/keeps value, headers and cause")},
		"buries without a cause": {burying(func(l *connector.DeadLetter[string]) { l.Cause = "" }), failed("dead/keeps value, headers and cause")},
		"buries another value":   {burying(func(l *connector.DeadLetter[string]) { l.Value += "x" }), failed("dead/keeps value, headers and cause")},
		"stops at the dead": {queueTest(func(q *queue) {
			q.write = func(ctx context.Context, list []message) error {
				if depth, err := q.Queue.Depth(ctx); err == nil && depth.Dead > 0 {
					return connector.Transient(errBad)
				}

				return q.Queue.Write(ctx, list)
			}
		}, nil), failed("dead/does not hold up others")},
		"forgets the dead": {durableTest(nil, func(h *conntest.QueueHarness[string]) {
			reopen := h.Reopen
			h.Reopen = func(t testing.TB, old connector.Queue[string]) connector.Queue[string] {
				again := reopen(t, old)
				_, _ = again.(queue).Discard(t.Context())

				return again
			}
		}), failed("dead/outlives the process")},
	}
}

// burying changes the dead letters that are read.
func burying(edit func(l *connector.DeadLetter[string])) func(*testing.T) {
	return queueTest(nil, func(h *conntest.QueueHarness[string]) {
		h.Dead = func(t testing.TB, q connector.Queue[string]) []connector.DeadLetter[string] {
			list := deadLetters(t, q)
			for i := range list {
				edit(&list[i])
			}

			return list
		}
	})
}

// plainText stores text.
type plainText struct{}

func (plainText) Append(dst []byte, value string) ([]byte, error) { return append(dst, value...), nil }

func (plainText) Decode(data []byte) (string, error) { return strings.Clone(string(data)), nil }
