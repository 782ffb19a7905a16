package sqlconn

import (
	"errors"

	"github.com/millrace-go/millrace/connector"
)

// classify gives err the class of its fault, for work that was not committed.
func classify(err error) error {
	if _, done := errors.AsType[*connector.Error](err); done {
		return err
	}
	switch faultOf(err) {
	case badRow, refused:
		return connector.Permanent(err)
	case passing, undone:
		return connector.Transient(err)
	case unnamed:
		return err
	}

	return err
}

// classifyCommit gives the error of a Commit its class: unless the code proves that the
// database rolled back, the work may have been done.
func classifyCommit(err error) error {
	switch faultOf(err) {
	case badRow:
		return connector.Permanent(err)
	case undone:
		return connector.Transient(err)
	case unnamed, refused, passing:
		return connector.Ambiguous(err)
	}

	return connector.Ambiguous(err)
}
