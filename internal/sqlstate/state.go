// Package sqlstate tells from a SQLSTATE what an error of a database says about the work.
package sqlstate

// Fault is what an error of the database says about the work.
type Fault uint8

const (
	// Unnamed is an error without a code that is known here.
	Unnamed Fault = iota
	// BadRow is caused by the values of one row.
	BadRow
	// Refused fails every row alike: a missing table, no permission.
	Refused
	// Passing may go away; a commit that failed with it may have been done all the same.
	Passing
	// Undone may go away, and the database has rolled back: a deadlock, a busy file.
	Undone
)

// Of reads a five-letter SQLSTATE; its first two letters are its class.
func Of(state string) Fault {
	const classLength = 2
	if len(state) < classLength {
		return Unnamed
	}
	switch state {
	case "40003": // whether the statement completed is unknown
		return Passing
	case "25006", "26000": // a server that became read-only, a statement lost with its session
		return Passing
	}
	switch state[:classLength] {
	case "21", "22", "23", "44", "45", "54", "P0":
		return BadRow
	case "0A", "28", "3D", "3F", "42":
		return Refused
	case "40":
		return Undone
	case "08", "53", "55", "57", "58":
		return Passing
	default:
		return Unnamed
	}
}
