package httpconn_test

import (
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector/httpconn"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	const limit = time.Hour
	cases := []struct {
		value string
		want  time.Duration
		ok    bool
	}{
		{"0", 0, true},
		{"120", 2 * time.Minute, true},
		{" 7\t", 7 * time.Second, true},
		{"3600", limit, true},
		{"3601", limit, true},
		{"7200", limit, true},
		{"99999999999999999999999999", limit, true},
		{"Wed, 01 Jul 2026 12:00:30 GMT", 30 * time.Second, true},
		{"Wednesday, 01-Jul-26 12:01:00 GMT", time.Minute, true},
		{"Wed Jul  1 12:00:05 2026", 5 * time.Second, true},
		{"Wed, 01 Jul 2026 11:00:00 GMT", 0, true},
		{"Wed, 01 Jul 2099 12:00:00 GMT", limit, true},
		{"", 0, false},
		{"-1", 0, false},
		{"+1", 0, false},
		{"1.5", 0, false},
		{"soon", 0, false},
	}
	for _, c := range cases {
		if got, ok := httpconn.ParseRetryAfter(c.value, noon, limit); got != c.want || ok != c.ok {
			t.Errorf("%q: got %s, %t; want %s, %t", c.value, got, ok, c.want, c.ok)
		}
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, seed := range []string{"0", "120", "-1", "Wed, 01 Jul 2026 12:00:30 GMT", "9223372036854775807", "١"} {
		f.Add(seed, int64(time.Hour))
	}
	f.Fuzz(func(t *testing.T, value string, limit int64) {
		bound := time.Duration(max(0, limit))
		got, ok := httpconn.ParseRetryAfter(value, noon, bound)
		if got < 0 || got > bound || !ok && got != 0 {
			t.Fatalf("%q: got %s, %t with limit %s", value, got, ok, bound)
		}
	})
}
