// Package weight bounds what a user pays for importing package flow: the modules that are
// linked, and what each further message type adds to a program.
package weight

import (
	"fmt"
	"strings"
	"time"
)

// Program is the source of a program whose flow goes through so many message types, with
// a Map and a Filter between each two. Every call gives another text, so that no build of
// it is taken from the cache.
func Program(types int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "// Built at %d.\npackage main\n\n", time.Now().UnixNano())
	b.WriteString("import (\n\t\"context\"\n\n\t\"github.com/millrace-go/millrace/connector/memory\"\n" +
		"\t\"github.com/millrace-go/millrace/flow\"\n)\n\n")
	for i := range types {
		fmt.Fprintf(&b, "type T%d struct{ A, B, F%d int }\n\n", i, i)
	}
	b.WriteString("func main() {\n\tf0 := flow.From(memory.NewSource(T0{}))\n")
	for i := range types - 1 {
		fmt.Fprintf(&b, "\tf%d := f%d.Filter(func(v T%d) bool { return v.A == 0 }).Map(func(_ context.Context, v T%d) (T%d, error) { return T%d{B: v.B}, nil })\n",
			i+1, i, i, i, i+1, i+1)
	}
	fmt.Fprintf(&b, "\t_ = flow.New(\"weight\", f%d.To(memory.NewSink[T%d]())).Run(context.Background())\n}\n", types-1, types-1)

	return b.String()
}
