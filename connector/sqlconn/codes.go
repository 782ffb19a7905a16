package sqlconn

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"reflect"
)

// fault is what an error of the database says about the work.
type fault uint8

const (
	// unnamed is an error without a code that is known here.
	unnamed fault = iota
	// badRow is caused by the values of one row.
	badRow
	// refused fails every row alike: a missing table, no permission.
	refused
	// passing may go away; a commit that failed with it may have been done all the same.
	passing
	// undone may go away, and the database has rolled back: a deadlock, a busy file.
	undone
)

// faultOf reads the code of err, whichever driver it comes from.
func faultOf(err error) fault {
	if state, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		return faultOfState(state.SQLState())
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

	return unnamed
}

// codeField finds an integer field in the structs that err wraps. Some drivers export
// their code as a field and not as a method, so that no interface reaches it.
func codeField(err error, name string) (int, bool) {
	for ; err != nil; err = errors.Unwrap(err) {
		value := reflect.Indirect(reflect.ValueOf(err))
		if value.Kind() != reflect.Struct {
			continue
		}
		code := value.FieldByName(name)
		switch {
		case !code.IsValid():
		case code.CanInt():
			return int(code.Int()), true
		case code.CanUint():
			return int(code.Uint()), true
		}
	}

	return 0, false
}
