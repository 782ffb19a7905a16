package flow

import (
	"errors"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// witness is an owner that notes how its items ended.
type witness struct {
	ended []connector.Outcome
	errs  []error
}

func (w *witness) finished(it *item, err error) {
	w.ended, w.errs = append(w.ended, it.outcome), append(w.errs, err)
}

// A stage that ends a message twice, or without an outcome, is a mistake of this package.
// It must show, and must not look like a delivery.
func TestMistakesOfStagesShow(t *testing.T) {
	w := &witness{}
	it := &item{owner: w}
	it.complete(nil)
	if len(w.ended) != 1 || w.ended[0] != connector.Returned || !errors.Is(w.errs[0], errNoOutcome) || !errors.Is(it.cause, errNoOutcome) {
		t.Errorf("a message without an outcome ends as %v with %v", w.ended, w.errs)
	}
	defer func() {
		text, _ := recover().(string)
		if !strings.Contains(text, "completed twice") || len(w.ended) != 1 {
			t.Errorf("completed twice: panic %q, owner told %v", text, w.ended)
		}
	}()
	it.complete(nil)
}
