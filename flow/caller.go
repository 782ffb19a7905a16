package flow

import (
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// home is the directory of this package's source, as the compiler recorded it.
var home = func() string { //nolint:gochecknoglobals // a constant that only the runtime knows
	_, file, _, _ := runtime.Caller(0)

	return filepath.Dir(file)
}()

// caller returns the directory, file and line of the first frame outside the library:
// "orderhub/main.go:42".
func caller() string {
	var pcs [12]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		frame, more := frames.Next()
		if !own(frame) || !more {
			dir, file := filepath.Split(frame.File)

			return filepath.Join(filepath.Base(dir), file) + ":" + strconv.Itoa(frame.Line)
		}
	}
}

// own reports whether a frame is part of the library rather than of its user. Tests of
// the package are users.
func own(frame runtime.Frame) bool {
	return filepath.Dir(frame.File) == home && !strings.HasSuffix(frame.File, "_test.go")
}
