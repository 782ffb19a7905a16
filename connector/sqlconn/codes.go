package sqlconn

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"reflect"
	"slices"

	"github.com/millrace-go/millrace/internal/sqlstate"
)

// fault is what an error of the database says about the work.
type fault = sqlstate.Fault

const (
	unnamed = sqlstate.Unnamed
	badRow  = sqlstate.BadRow
	refused = sqlstate.Refused
	passing = sqlstate.Passing
	undone  = sqlstate.Undone
)

// faultOf reads the code of err, whichever driver it comes from.
func faultOf(err error) fault {
	if state, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		return sqlstate.Of(state.SQLState())
	}
	if coded, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		return faultOfSQLite(coded.Code())
	}
	if number, ok := codeField(err, "Number"); ok {
		return faultOfMySQL(number)
	}
	if code, ok := codeField(err, "ExtendedCode"); ok {
		return faultOfSQLite(code)
	}

	return faultOfConnection(err)
}

func faultOfConnection(err error) fault {
	if errors.Is(err, sql.ErrTxDone) {
		return undone
	}
	for _, lost := range []error{
		driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF,
		context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, lost) {
			return passing
		}
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return passing
	}
	// What the common MySQL driver says of a session that broke off has no type and no code.
	if visit(err, func(err error) bool { return err.Error() == "invalid connection" }) {
		return passing
	}

	return unnamed
}

// codeField finds an integer field in the structs that err wraps. Some drivers export
// their code as a field and not as a method, so that no interface reaches it.
func codeField(err error, name string) (code int, found bool) {
	visit(err, func(err error) bool {
		code, found = intField(err, name)

		return found
	})

	return code, found
}

func intField(err error, name string) (int, bool) {
	value := reflect.Indirect(reflect.ValueOf(err))
	if value.Kind() != reflect.Struct {
		return 0, false
	}
	switch code := value.FieldByName(name); {
	case !code.IsValid():
		return 0, false
	case code.CanInt():
		return int(code.Int()), true
	case code.CanUint():
		return int(code.Uint()), true
	default:
		return 0, false
	}
}

// visit calls found for err and what it wraps, depth first, until it returns true.
func visit(err error, found func(error) bool) bool {
	if err == nil || found(err) {
		return err != nil
	}
	switch err := err.(type) { //nolint:errorlint // this is the walk that errors.As does
	case interface{ Unwrap() error }:
		return visit(err.Unwrap(), found)
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(err.Unwrap(), func(err error) bool { return visit(err, found) })
	default:
		return false
	}
}
