package httpconn

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ParseRetryAfter reads the value of a Retry-After header: a number of seconds or an HTTP
// date, which counts from now. The result is between 0 and limit, so that a peer cannot
// put a caller to sleep for days. It reports false for anything else.
func ParseRetryAfter(value string, now time.Time, limit time.Duration) (time.Duration, bool) {
	value = strings.Trim(value, " \t")
	if isDigits(value) {
		return seconds(value, limit), true
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}

	return min(max(0, date.Sub(now)), limit), true
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// seconds converts digits to a time. What does not fit is over any limit.
func seconds(digits string, limit time.Duration) time.Duration {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > int64(limit/time.Second) {
		return limit
	}

	return time.Duration(n) * time.Second
}

// setRetryAfter asks the client to wait, in whole seconds and at least one.
func setRetryAfter(header http.Header, after time.Duration) {
	whole := max(1, (after+time.Second-1)/time.Second)
	header.Set("Retry-After", strconv.FormatInt(int64(whole), 10))
}
