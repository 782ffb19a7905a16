package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Names of the headers that the specification gives.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

const maxID = 255

// Sign sets the three headers of the specification for one attempt to send body: the id,
// which stays the same with each attempt, the time of this one, and a signature by each
// key. During a rotation that is the new key and the old one, so that a receiver with
// either takes the webhook.
//
// The id is 1 to 255 printable ASCII characters without space and dot: the dot separates
// what is signed.
func Sign(header http.Header, id string, at time.Time, body []byte, keys ...Key) error {
	if err := checkID(id); err != nil {
		return err
	}
	if len(keys) == 0 {
		return errors.New("webhook: no key to sign with")
	}
	timestamp := strconv.FormatInt(at.Unix(), 10)
	content := signed(id, timestamp, body)
	signatures := make([]string, len(keys))
	for i, key := range keys {
		if !key.signs() {
			return fmt.Errorf("webhook: key %d, %v, cannot sign: give whsec_ or whsk_", i, key)
		}
		signatures[i] = key.sign(content)
	}
	header.Set(HeaderID, id)
	header.Set(HeaderTimestamp, timestamp)
	header.Set(HeaderSignature, strings.Join(signatures, " "))

	return nil
}

// signed is what a signature covers.
func signed(id, timestamp string, body []byte) []byte {
	content := make([]byte, 0, len(id)+len(timestamp)+len(body)+2)
	content = append(content, id...)
	content = append(content, '.')
	content = append(content, timestamp...)
	content = append(content, '.')

	return append(content, body...)
}

func checkID(id string) error {
	unfit := func(r rune) bool { return r <= ' ' || r > '~' || r == '.' }
	if id == "" || len(id) > maxID || strings.ContainsFunc(id, unfit) {
		return fmt.Errorf("webhook: id %.300q is not 1 to %d printable ASCII characters without space and dot", id, maxID)
	}

	return nil
}
