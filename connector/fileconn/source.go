package fileconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/transform"
)

// SourceConfig says which files a source reads.
type SourceConfig struct {
	// Paths are regular files, read one after the other. Required; none may stand twice.
	Paths []string
	// Name stands for the path in positions and message IDs, so that a file that moves
	// keeps its IDs. Only with a single path; by default the path as it is given.
	Name string
	// Terminated says that every file ends with a line end. A file that does not is an
	// error then, and its last record is not handed out: nothing else tells a last field
	// that was cut off from a whole one. By default the last line end may be missing.
	Terminated bool
}

// Source hands out the records of files. Each message has the [connector.Position] of
// its file and the line on which it starts, which is its ID as well ("orders.csv:17"), and
// the path in the header "file".
//
// A file cannot take messages back, so a returned message stops the pipeline; what is
// settled changes nothing in the file. Every Open starts at the first record.
//
// A file must be complete when it is opened, and stay as it is until it has been read: one
// that changes is a *[ChangedError], which stops the pipeline. Size and modification time
// are looked at after each piece that is read, and whether the path still leads to the
// file at its end, so what was read after a change is never handed out. It is not seen when
// a file changes before it is opened or after its end, nor when bytes are changed in place
// so that size and modification time stay the same: within one tick of the file system's
// clock (some milliseconds), through mapped memory, or by setting the time back.
type Source[T any] struct {
	kind    string
	config  SourceConfig
	records func(text io.Reader) next[T]
}

// next puts one record into value and returns the line on which it starts, and its text.
type next[T any] func(value *T) (line int, raw string, err error)

// newSource checks the config. formatErr is what the format said of its own.
func newSource[T any](kind string, config SourceConfig, records func(io.Reader) next[T], formatErr error) (*Source[T], error) {
	errs := []error{formatErr}
	if len(config.Paths) == 0 {
		errs = append(errs, errors.New("fileconn: SourceConfig.Paths is empty; name at least one file"))
	}
	for i, path := range config.Paths {
		if path == "" {
			errs = append(errs, fmt.Errorf("fileconn: SourceConfig.Paths[%d] is empty", i))
		}
		if slices.Contains(config.Paths[:i], path) {
			errs = append(errs, fmt.Errorf("fileconn: SourceConfig.Paths has %q twice", path))
		}
	}
	if config.Name != "" && len(config.Paths) > 1 {
		errs = append(errs, fmt.Errorf("fileconn: SourceConfig.Name %q stands for one path, not for %d", config.Name, len(config.Paths)))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, connector.Permanent(err)
	}
	config.Paths = slices.Clone(config.Paths)

	return &Source[T]{kind: kind, config: config, records: records}, nil
}

// Describe implements [connector.Describer].
func (s *Source[T]) Describe() connector.Capabilities {
	return connector.Capabilities{Name: s.kind + " " + strings.Join(s.config.Paths, ", "), Durable: true}
}

// CheckHealth reports which of the files could not be opened now.
func (s *Source[T]) CheckHealth(context.Context) error {
	var errs []error
	for _, path := range s.config.Paths {
		errs = append(errs, s.checkFile(path))
	}

	return errors.Join(errs...)
}

// Open implements [connector.Source]. It fails when one of the files is missing or is
// not a regular file; the header of a CSV file is checked when it is read. Competing
// readers each read everything.
func (s *Source[T]) Open(ctx context.Context) (connector.Reader[T], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.CheckHealth(ctx); err != nil {
		return nil, err
	}

	return &reader[T]{source: s}, nil
}

func (s *Source[T]) checkFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		err = fmt.Errorf("%w; check the path and the directory the program runs in", err)
	case err != nil:
	case info.IsDir():
		err = errors.New("it is a directory; name the files in it")
	case !info.Mode().IsRegular():
		err = errors.New("it is not a regular file")
	}
	if err == nil {
		return nil
	}

	return connector.Permanent(fmt.Errorf("fileconn: %s %s: %w", s.kind, path, err))
}

// partition is how positions name a file.
func (s *Source[T]) partition(path string) string {
	if s.config.Name != "" {
		return s.config.Name
	}

	return path
}

// values makes the records of a format messages; a bad one ends the reading.
func values[T any](format transform.Decoder[T]) func(io.Reader) next[T] {
	return func(text io.Reader) next[T] {
		rows := format.NewReader(text)

		return func(value *T) (int, string, error) {
			row, err := rows.Read()
			if err == nil {
				err = row.Err
			}
			if err == nil {
				*value = row.Value
			}

			return row.Line, row.Raw, err
		}
	}
}

// allRows makes the records of a format messages, good and bad alike.
func allRows[T any](format transform.Decoder[T]) func(io.Reader) next[transform.Row[T]] {
	return func(text io.Reader) next[transform.Row[T]] {
		rows := format.NewReader(text)

		return func(value *transform.Row[T]) (int, string, error) {
			row, err := rows.Read()
			*value = row

			return row.Line, row.Raw, err
		}
	}
}
