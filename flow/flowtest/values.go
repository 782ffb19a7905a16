package flowtest

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// mostDiffs bounds how many differences a failure lists.
const mostDiffs = 10

// Values marks the test as failed when got is not deeply equal to the values wanted, in
// their order, and lists the first 10 places where it differs.
func Values[T any](t testing.TB, got []T, want ...T) {
	t.Helper()
	var diffs []string
	for i := range max(len(got), len(want)) {
		if text := differs(got, want, i); text != "" {
			diffs = append(diffs, text)
		}
	}
	if len(diffs) > 0 {
		t.Errorf("flowtest: got %d value(s), want %d:%s", len(got), len(want), list(diffs))
	}
}

func differs[T any](got, want []T, i int) string {
	switch {
	case i >= len(want):
		return fmt.Sprintf("[%d] %+v is not wanted", i, got[i])
	case i >= len(got):
		return fmt.Sprintf("[%d] %+v is missing", i, want[i])
	case !reflect.DeepEqual(got[i], want[i]):
		return fmt.Sprintf("[%d] %+v, want %+v", i, got[i], want[i])
	default:
		return ""
	}
}

// list puts each text on a line of its own, up to the bound.
func list(texts []string) string {
	more := ""
	if n := len(texts) - mostDiffs; n > 0 {
		texts = texts[:mostDiffs]
		more = fmt.Sprintf("\n\tand %d more", n)
	}

	return "\n\t" + strings.Join(texts, "\n\t") + more
}
