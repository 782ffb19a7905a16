package sqlconn

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// match returns the field of each column of the result, in the result's order.
func match(rows *sql.Rows, fields []field) ([]field, error) {
	columns, err := rows.Columns()
	if err != nil {
		return nil, fmt.Errorf("columns: %w", err)
	}
	left := make(map[string]field, len(fields))
	for _, f := range fields {
		left[f.Column] = f
	}
	order := make([]field, 0, len(columns))
	var unknown []string
	for _, column := range columns {
		f, found := left[column]
		if !found {
			unknown = append(unknown, column)
		}
		order = append(order, f)
		delete(left, column)
	}

	return order, mismatch(unknown, fields, left)
}

func mismatch(unknown []string, fields []field, left map[string]field) error {
	var errs []error
	if len(unknown) > 0 {
		errs = append(errs, fmt.Errorf("no field for column %s: add a field, or select fewer columns",
			strings.Join(unknown, ", ")))
	}
	for _, f := range fields {
		if _, missing := left[f.Column]; missing {
			errs = append(errs, fmt.Errorf("no column %s for field %s: select it, or tag the field `sql:\"-\"`",
				f.Column, f.Name))
		}
	}

	return errors.Join(errs...)
}
