package webhook_test

import (
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector/webhook"
)

func TestStandardSchedule(t *testing.T) {
	t.Parallel()
	var total time.Duration
	standard := webhook.StandardSchedule()
	for i, want := range standard {
		total += want
		got, again := standard.After(i + 1)
		if !again || got < want || got > want+want/10 {
			t.Errorf("after attempt %d: %v, %t; want %v and up to a tenth", i+1, got, again, want)
		}
	}
	if want := 75*time.Hour + 35*time.Minute + 5*time.Second; total != want || len(standard) != 9 {
		t.Errorf("%d delays of %v, want 9 of %v", len(standard), total, want)
	}
	if wait, again := standard.After(10); again || wait != 0 {
		t.Errorf("the last attempt is followed by another after %v", wait)
	}
	if first, again := standard.After(0); !again || first > 6*time.Second {
		t.Errorf("after attempt 0: %v, %t", first, again)
	}
	if _, again := (webhook.Schedule{}).After(1); again {
		t.Error("an empty schedule tries again")
	}
}
