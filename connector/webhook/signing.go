package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Signing is for the Prepare of an [httpconn.SinkConfig]: it signs each request by the
// keys that belong to its message. keys may run concurrently; no keys are an error.
//
// The id of the webhook is the ID of the message, so it stays the same with each attempt.
// An ID that the specification does not allow, with a dot for one, is sent as its SHA-256.
func Signing[T any](keys func(connector.Message[T]) []Key) func(*http.Request, []byte, []connector.Message[T]) error {
	return func(r *http.Request, body []byte, messages []connector.Message[T]) error {
		if len(messages) != 1 {
			return fmt.Errorf("webhook: a request with %d messages: sign without Batch", len(messages))
		}
		id, err := idOf(messages[0].ID())
		if err != nil {
			return err
		}

		return Sign(r.Header, id, time.Now(), body, keys(messages[0])...)
	}
}

func idOf(id string) (string, error) {
	if id == "" {
		return "", errors.New("webhook: the message has no ID")
	}
	if checkID(id) == nil {
		return id, nil
	}
	sum := sha256.Sum256([]byte(id))

	return "sha256-" + hex.EncodeToString(sum[:]), nil
}
