package httpconn

import (
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
	"uuid"

	"github.com/millrace-go/millrace/connector"
)

const maxIdempotencyKey = 255

// fields makes the metadata of the message from the header of its request.
func (i *Intake[T]) fields(r *http.Request) (connector.Fields, *refusal) {
	id, no := idempotencyKey(r)
	if no != nil {
		return connector.Fields{}, no
	}
	headers, no := i.forwarded(r)

	return connector.Fields{ID: id, Time: time.Now(), Headers: headers}, no
}

func idempotencyKey(r *http.Request) (string, *refusal) {
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) == 0 {
		return uuid.NewV7().String(), nil
	}
	key := keys[0]
	if len(keys) > 1 || key == "" || len(key) > maxIdempotencyKey || strings.ContainsFunc(key, unprintable) {
		return "", &refusal{
			status: http.StatusBadRequest,
			detail: fmt.Sprintf("Idempotency-Key must be one value of 1 to %d printable ASCII characters", maxIdempotencyKey),
			err:    fmt.Errorf("%d values of Idempotency-Key, the first %.300q", len(keys), key),
		}
	}

	return key, nil
}

func unprintable(r rune) bool { return r < ' ' || r > '~' }

// forwarded picks the headers that the message carries.
func (i *Intake[T]) forwarded(r *http.Request) (map[string]string, *refusal) {
	if len(i.config.Headers) == 0 {
		return nil, nil
	}
	size := 0
	headers := make(map[string]string, len(i.config.Headers))
	for _, name := range i.config.Headers {
		values := r.Header.Values(name)
		if len(values) == 0 {
			continue
		}
		value := strings.Join(values, ", ")
		if !utf8.ValidString(value) {
			return nil, &refusal{
				status: http.StatusBadRequest, detail: "header " + name + " is not UTF-8",
				err: fmt.Errorf("header %s: %.100q", name, value),
			}
		}
		headers[name] = value
		size += len(value)
	}
	if size > i.config.MaxHeader {
		return nil, &refusal{
			status: http.StatusRequestHeaderFieldsTooLarge, detail: "the headers are too large",
			err: &connector.LimitError{What: "headers", Size: int64(size), Limit: int64(i.config.MaxHeader)},
		}
	}

	return headers, nil
}
