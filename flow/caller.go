package flow

import (
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// home is the directory of this package's source, as the compiler recorded it.
var home = func() string { //nolint:gochecknoglobals // a constant that only the runtime knows
	_, file, _, _ := runtime.Caller(0)

	return filepath.Dir(file)
}()

// place is where the user wrote a stage. Finding the line takes longer than everything else
// that makes a stage, so it waits until somebody asks. Nil is no place.
type place struct {
	pcs  [8]uintptr
	n    int
	once sync.Once
	text string
}

// caller returns the place of the first frame outside the library.
func caller() *place {
	p := new(place)
	p.n = runtime.Callers(3, p.pcs[:])

	return p
}

// String returns the directory, file and line: "orderhub/main.go:42".
func (p *place) String() string {
	if p == nil {
		return ""
	}
	p.once.Do(p.find)

	return p.text
}

func (p *place) find() {
	frames := runtime.CallersFrames(p.pcs[:p.n])
	for {
		frame, more := frames.Next()
		if !own(frame) || !more {
			dir, file := filepath.Split(frame.File)
			p.text = filepath.Join(filepath.Base(dir), file) + ":" + strconv.Itoa(frame.Line)

			return
		}
	}
}

// own reports whether a frame is part of the library rather than of its user. Tests of
// the package are users.
func own(frame runtime.Frame) bool {
	return filepath.Dir(frame.File) == home && !strings.HasSuffix(frame.File, "_test.go")
}
