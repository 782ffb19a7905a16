package flowtest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// Want marks the test as failed unless the messages that ended with the outcome are
// exactly those with the values, in any order. It says how each other one ended, and why.
// With connector.Pending it asks for the messages that have no outcome yet.
func (w *Watched[T]) Want(t testing.TB, outcome connector.Outcome, values ...T) {
	t.Helper()
	seen := w.Messages()
	var diffs []string
	ended := slices.DeleteFunc(slices.Clone(seen), func(m Seen[T]) bool { return m.Outcome != outcome })
	for _, value := range values {
		if at := slices.IndexFunc(ended, carries(value)); at >= 0 {
			ended = slices.Delete(ended, at, at+1)
		} else {
			diffs = append(diffs, missing(seen, outcome, value))
		}
	}
	for _, m := range ended {
		diffs = append(diffs, m.text()+", which is not wanted")
	}
	if len(diffs) > 0 {
		t.Errorf("flowtest: the messages with outcome %v are not as wanted:%s", outcome, list(diffs))
	}
}

func carries[T any](value T) func(Seen[T]) bool {
	return func(m Seen[T]) bool { return reflect.DeepEqual(m.Value, value) }
}

// missing says what became of a value that is wanted.
func missing[T any](seen []Seen[T], want connector.Outcome, value T) string {
	others := slices.DeleteFunc(slices.Clone(seen), func(m Seen[T]) bool {
		return m.Outcome == want || !reflect.DeepEqual(m.Value, value)
	})
	switch {
	case len(others) > 0:
		return fmt.Sprintf("%s, want %v", others[0].text(), want)
	case slices.ContainsFunc(seen, carries(value)):
		return fmt.Sprintf("%+v is wanted more often than the source handed it out", value)
	default:
		return fmt.Sprintf("%+v is wanted, but the source did not hand it out", value)
	}
}

// text describes the message and how it ended.
func (m Seen[T]) text() string {
	text := fmt.Sprintf("%+v (%s) is %v", m.Value, m.ID, m.Outcome)
	if m.Outcome == connector.Pending {
		text += ", not settled yet"
	}
	if m.Cause != nil {
		text += fmt.Sprintf(" because of %q", m.Cause.Error())
	}

	return text
}
