// Package sqlnames quotes the names of tables and columns that users give.
package sqlnames

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Rules are those of one product.
type Rules struct {
	// Product is its name, in errors.
	Product string
	// Mark stands before and after a quoted name.
	Mark string
	// Longest is the most bytes of a name.
	Longest int
}

// PostgreSQL would cut a longer name silently.
var PostgreSQL = Rules{Product: "PostgreSQL", Mark: `"`, Longest: 63}

// Quote returns name as a quoted identifier. A name is made of letters, digits,
// underscores, hyphens, spaces and dollar signs, so that no quote can be in it.
func (r Rules) Quote(name string) (string, error) {
	switch {
	case name == "":
		return "", errors.New("an identifier is empty")
	case len(name) > r.Longest:
		return "", fmt.Errorf("identifier %.80q has %d bytes, more than the %d that %s allows",
			name, len(name), r.Longest, r.Product)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, forbidden):
		return "", fmt.Errorf("identifier %q: only letters, digits, '_', '-', '$' and spaces are allowed", name)
	default:
		return r.Mark + name + r.Mark, nil
	}
}

func forbidden(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-$ ", r)
}

// QuotePath quotes a table name with up to two qualifiers: schema.table.
func (r Rules) QuotePath(path string) (string, error) {
	const mostParts = 3
	parts := strings.Split(path, ".")
	if len(parts) > mostParts {
		return "", fmt.Errorf("table %.80q has more than %d parts", path, mostParts)
	}
	for i, part := range parts {
		quoted, err := r.Quote(part)
		if err != nil {
			return "", fmt.Errorf("table %.80q: %w", path, err)
		}
		parts[i] = quoted
	}

	return strings.Join(parts, "."), nil
}
