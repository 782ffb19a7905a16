package fileconn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/transform"
)

// Sink writes records to files. A message is accepted when its record is on disk: every
// Write ends with an fsync, so write in batches. It is safe for concurrent use; a lock
// file beside the path (".orders.csv.lock", which stays) keeps other sinks away from it.
//
// What holds in each [Mode]:
//
//   - WholeFile writes ".orders.csv.tmp" and renames it at Flush or Close, so that nobody
//     sees a file that is not complete. After a crash, the next sink cuts a torn record
//     off and goes on with the same file: accepted records stay, and a source that starts
//     again repeats them. A sink that never had a record leaves no file.
//   - Parts writes ".orders.part-000001.csv.tmp" and renames it when the part is complete,
//     and at Flush or Close. After a crash, the next sink cuts a torn record off and
//     completes the part as it is. Numbers go on behind the highest in the directory; they
//     start again where a consumer took every part away.
//   - Append adds to the file itself. What stands behind the last whole record, torn by a
//     crash, is moved to the end of "orders.csv.torn" when the sink is made, so that no
//     one reads it, and at the first Write if the file changed meanwhile. A CSV file is
//     read through for that; of a file of lines, the last 4 MiB are. A file with another
//     header is an error. While another sink has the file, making one leaves it alone.
//
// When the disk is full, Write fails as transient, takes back what it wrote, and may be
// repeated. When the disk does not confirm an fsync, the messages of that Write may or may
// not be there (ambiguous), and the sink refuses every further call: start again with a
// new one. A value that cannot be encoded fails alone, in a *[connector.PartialError].
type Sink[T any] struct {
	kind   string
	config SinkConfig
	format transform.Format[T]
	header []byte
	disk   disk

	mu       sync.Mutex
	lock     *os.File    // held from the first use to Close
	out      *output     // nil when no file is being written
	complete bool        // out is complete and waits for its name
	number   int         // of the part that comes next
	sound    fs.FileInfo // the file to append to, as it was found or made whole
	buffer   []byte
	fates    *connector.PartialError // of a Write that nobody needs them of any more
	broken   error                   // why the sink stopped for ever
	closed   bool
}

// NewCSVSink returns a sink of CSV files, each with a header.
func NewCSVSink[T any](files SinkConfig, config transform.CSVConfig) (*Sink[T], error) {
	format, err := transform.NewCSV[T](config)
	if err != nil {
		return nil, errors.Join(err, files.complete())
	}

	return newSink[T]("csv", files, format)
}

// NewNDJSONSink returns a sink of files with one JSON document on each line.
func NewNDJSONSink[T any](files SinkConfig, config transform.NDJSONConfig) (*Sink[T], error) {
	format, err := transform.NewNDJSON[T](config)
	if err != nil {
		return nil, errors.Join(err, files.complete())
	}

	return newSink[T]("ndjson", files, format)
}

// NewLinesSink returns a sink of text files. A value with a line end in it fails.
func NewLinesSink(files SinkConfig, config transform.LinesConfig) (*Sink[string], error) {
	format, err := transform.NewLines(config)
	if err != nil {
		return nil, errors.Join(err, files.complete())
	}

	return newSink[string]("lines", files, format)
}

func newSink[T any](kind string, config SinkConfig, format transform.Format[T]) (*Sink[T], error) {
	if err := config.complete(); err != nil {
		return nil, err
	}

	s := &Sink[T]{kind: kind, config: config, format: format, header: format.AppendHeader(nil), disk: osDisk{}}
	if err := s.repair(); err != nil {
		return nil, s.wrap(err)
	}

	return s, nil
}

// Describe implements [connector.Describer].
func (s *Sink[T]) Describe() connector.Capabilities {
	return connector.Capabilities{Name: s.kind + " " + s.config.Path, Durable: true}
}

// CheckHealth reports that the sink has stopped, or that its directory is missing.
func (s *Sink[T]) CheckHealth(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return err
	}
	dir := filepath.Dir(s.config.Path)
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a directory", dir)
	}

	return s.wrap(err)
}

// Flush completes the file or the part that is being written. With Append it does
// nothing, because every Write is on disk already.
func (s *Sink[T]) Flush(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(ctx.Err(), s.usable()); err != nil {
		return err
	}
	if err := s.start(); err != nil {
		return err
	}

	return s.settleFile()
}

// Close completes the file or the part that is being written, as Flush does, and releases
// the path. A sink that stopped leaves its file for the next one. Closing twice does
// nothing.
func (s *Sink[T]) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	if s.broken == nil {
		errs = append(errs, s.settleFile())
	}
	if s.out != nil {
		errs = append(errs, s.out.close())
		s.out = nil
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}

	return s.wrap(errors.Join(errs...))
}

// usable returns why the sink takes no more calls.
func (s *Sink[T]) usable() error {
	switch {
	case s.closed:
		return s.wrap(connector.Permanent(connector.ErrClosed))
	case s.broken != nil:
		return s.wrap(connector.Permanent(fmt.Errorf("stopped, start again with a new sink: %w", s.broken)))
	default:
		return nil
	}
}

// note keeps an error after which nothing about the disk is known.
func (s *Sink[T]) note(err error) error {
	if errors.Is(err, errSync) {
		s.broken = err
	}

	return s.wrap(err)
}

// wrap names the sink in an error.
func (s *Sink[T]) wrap(err error) error {
	if err == nil {
		return nil
	}

	return fmt.Errorf("fileconn: %s %s: %w", s.kind, s.config.Path, err)
}
