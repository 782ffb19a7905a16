package flowtest

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"strings"
	"unicode"

	"github.com/millrace-go/millrace/flow"
)

// ReplayTest writes a Go test that replays a recording: the path as a comment, the
// recording, and a call of [Replay]. build names the function that makes the pipeline on a
// source. The text is that of a function; the file needs the imports testing and flowtest.
func ReplayTest(r flow.Recording, build string) (string, error) {
	text, err := json.Marshal(r, jsontext.WithIndent("\t"), json.Deterministic(true))
	if err != nil {
		return "", fmt.Errorf("flowtest: ReplayTest: %w", err)
	}
	// A backquote can stand only inside of a JSON string, where it may be escaped.
	literal := strings.ReplaceAll(string(text), "`", `\u0060`)
	name := "TestReplay" + identifier(r.Flow) + identifier(r.Message.ID)
	var b strings.Builder
	fmt.Fprintf(&b, "// %s replays what was recorded:\n//\n", name)
	for line := range strings.Lines(r.String()) {
		fmt.Fprintf(&b, "//\t%s\n", strings.TrimSuffix(line, "\n"))
	}
	fmt.Fprintf(&b, "func %s(t *testing.T) {\n\tflowtest.Test(t, func(t *testing.T) {\n"+
		"\t\tflowtest.Replay(t, `%s`, %s)\n\t})\n}\n", name, literal, build)

	return b.String(), nil
}

// identifier makes part of a Go name of any text.
func identifier(text string) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		first := []rune(word)
		b.WriteString(string(unicode.ToUpper(first[0])) + string(first[1:]))
	}

	return b.String()
}
