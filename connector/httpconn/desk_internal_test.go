package httpconn

import (
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// A Reader that leaves messages in line wakes the next one, even when it took the token
// that was there for all of them.
func TestDeskWakesNextReader(t *testing.T) {
	t.Parallel()
	d := newDesk[int](10)
	d.open()
	d.open()
	for i := range 3 {
		if err := d.enter(); err != nil {
			t.Fatal(err)
		}
		if err := d.queue(newExchange(i, connector.Fields{})); err != nil {
			t.Fatal(err)
		}
	}
	taken := map[int64]*exchange[int]{}
	for left := 2; left >= 0; left-- {
		<-d.wake
		if batch := d.take("p", 1, taken); len(batch) != 1 {
			t.Fatalf("took %d messages", len(batch))
		}
		if got := len(d.wake) == 1; got != (left > 0) {
			t.Errorf("with %d left in line, another Reader is woken: %t", left, got)
		}
	}
}
