package transform

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ParseTime reads text by the first of the layouts of package time that fits. A layout
// without a zone means location; nil means UTC. The error is that of the last layout.
func ParseTime(text string, location *time.Location, layouts ...string) (time.Time, error) {
	if location == nil {
		location = time.UTC
	}
	var last error
	for _, layout := range layouts {
		t, err := time.ParseInLocation(layout, text, location)
		if err == nil {
			return t, nil
		}
		last = err
	}
	if last == nil {
		return time.Time{}, errors.New("transform: parse time: no layout given")
	}
	if len(layouts) > 1 {
		return time.Time{}, fmt.Errorf("%s fits none of the layouts %q: %w", clip(text), strings.Join(layouts, "|"), last)
	}

	return time.Time{}, fmt.Errorf("not a time of the layout %q: %w", layouts[0], last)
}
