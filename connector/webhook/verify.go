package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// DefaultTolerance is how far the time of a webhook may be from the receiver's.
const DefaultTolerance = 5 * time.Minute

// maxSignatures bounds what one request can have the receiver compute. A rotation needs
// two.
const maxSignatures = 16

// Why a webhook is refused, for errors.Is.
var (
	// ErrHeader says that one of the three headers is missing, repeated or malformed.
	ErrHeader = errors.New("webhook: header")
	// ErrTimestamp says that the webhook is from too long ago, or from the future: a
	// replay, or clocks that differ.
	ErrTimestamp = errors.New("webhook: timestamp out of tolerance")
	// ErrSignature says that no signature is by one of the keys.
	ErrSignature = errors.New("webhook: no signature fits")
)

// Verify checks the three headers of a webhook against its body, byte for byte as it was
// received, and returns its id. The webhook must bear a signature by one of the keys, and
// its time must be within the tolerance of now, in both directions; zero means
// [DefaultTolerance]. Signatures of other schemes are passed over. Comparison takes
// constant time.
//
// The errors are permanent, and wrap [ErrHeader], [ErrTimestamp] or [ErrSignature]. A
// webhook that verifies may still be a replay: see [Receiver].
func Verify(header http.Header, body []byte, now time.Time, tolerance time.Duration, keys ...Key) (id string, err error) {
	id, timestamp, err := headers(header)
	if err != nil {
		return "", connector.Permanent(err)
	}
	if err := checkTime(timestamp, now, tolerance); err != nil {
		return "", connector.Permanent(err)
	}
	signatures, err := parseSignatures(header.Values(HeaderSignature))
	if err != nil {
		return "", connector.Permanent(err)
	}
	content := signed(id, timestamp, body)
	for _, key := range keys {
		if key.verifies() && key.verify(content, signatures[key.version]) {
			return id, nil
		}
	}

	return "", connector.Permanent(ErrSignature)
}

func headers(header http.Header) (id, timestamp string, err error) {
	for name, value := range map[string]*string{HeaderID: &id, HeaderTimestamp: &timestamp} {
		values := header.Values(name)
		if len(values) != 1 {
			return "", "", fmt.Errorf("%w %s: %d values, want one", ErrHeader, name, len(values))
		}
		*value = values[0]
	}
	if err := checkID(id); err != nil {
		return "", "", fmt.Errorf("%w %s: %w", ErrHeader, HeaderID, err)
	}

	return id, timestamp, nil
}

func checkTime(timestamp string, now time.Time, tolerance time.Duration) error {
	const digits = 12 // until the year 33658
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || len(timestamp) > digits || strings.Trim(timestamp, "0123456789") != "" {
		return fmt.Errorf("%w %s: %.40q is not a time in seconds", ErrHeader, HeaderTimestamp, timestamp)
	}
	if tolerance == 0 {
		tolerance = DefaultTolerance
	}
	apart := now.Sub(time.Unix(seconds, 0))
	if apart.Abs() > tolerance {
		return fmt.Errorf("%w: it is %v old, the tolerance is %v", ErrTimestamp, apart, tolerance)
	}

	return nil
}

// parseSignatures sorts the signatures by version.
func parseSignatures(values []string) (map[string][][]byte, error) {
	list := strings.Fields(strings.Join(values, " "))
	if len(list) == 0 || len(list) > maxSignatures {
		return nil, fmt.Errorf("%w %s: %d signatures, want 1 to %d", ErrHeader, HeaderSignature, len(list), maxSignatures)
	}
	sorted := map[string][][]byte{}
	for _, entry := range list {
		version, encoded, _ := strings.Cut(entry, ",")
		signature, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			continue // it may belong to a scheme that writes differently
		}
		sorted[version] = append(sorted[version], signature)
	}

	return sorted, nil
}
