package placing_test

import (
	"context"
	"testing"

	"github.com/millrace-go/millrace/internal/placing"
)

type mark = placing.Mark

type queue struct{ mark }

type wrapper struct{ *queue }

// TestOnlyTheMarkedQueueTells: what embeds a queue may change its messages.
func TestOnlyTheMarkedQueueTells(t *testing.T) {
	marked := &queue{}
	marked.mark = placing.Of(marked)
	tests := map[string]struct {
		queue any
		want  bool
	}{
		"marked":             {marked, true},
		"not marked":         {&queue{}, false},
		"copy of the mark":   {&queue{marked.mark}, false},
		"embeds a marked":    {wrapper{marked}, false},
		"points to wrapper":  {&wrapper{marked}, false},
		"something else":     {t, false},
		"nothing":            {nil, false},
		"embeds no mark yet": {wrapper{&queue{}}, false},
	}
	for name, test := range tests {
		if got := placing.Tells(test.queue); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestNoteOfAContext(t *testing.T) {
	if placing.NoteOf(t.Context()) != nil {
		t.Error("a note that nobody gave")
	}
	var index int
	var offset int64
	ctx := context.WithoutCancel(placing.With(t.Context(), func(i int, o int64) { index, offset = i, o }))
	placing.NoteOf(ctx)(3, 7)
	if index != 3 || offset != 7 {
		t.Error(index, offset)
	}
}
