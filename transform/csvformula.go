package transform

import (
	"strings"
	"unicode/utf8"
)

// formulaStarts are the characters with which a spreadsheet takes a cell for a formula,
// their full-width forms, and the controls that some programs skip before them.
const formulaStarts = "=+-@\t\r\n＝＋－＠"

// isFormula reports whether a spreadsheet may calculate a cell with this text. Spaces
// before a formula are skipped by some programs.
func isFormula(text []byte) bool {
	for len(text) > 0 && text[0] == ' ' {
		text = text[1:]
	}
	first, size := utf8.DecodeRune(text)

	return size > 0 && strings.ContainsRune(formulaStarts, first)
}

// defuse puts an apostrophe before text from start on that would be a formula.
func (c *CSV[T]) defuse(text []byte, start int, col column) []byte {
	if !c.config.DefuseFormulas {
		return text
	}
	leaf := leafOf(col.leafType())
	if (leaf != leafString && leaf != leafText) || !isFormula(text[start:]) {
		return text
	}
	text = append(text, 0)
	copy(text[start+1:], text[start:])
	text[start] = '\''

	return text
}
