package fileconn

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/transform"
)

// FolderSource hands out the records of the files that come into a folder. Each file is
// taken by one reader at a time, over all processes that share the [connector.Store], and
// is archived, removed or remembered when every message of it is done.
//
// Each message has a [connector.Position] whose partition is the file's name with a stamp
// of its time and size, so that tomorrow's "orders.csv" is not today's, and whose offset
// is the line; both are its ID. The header "file" has the name.
//
// A file is taken when nothing shows that it is still written: see FolderConfig. One that
// changes afterwards is a *[ChangedError], as in [Source], and stops the pipeline.
//
// What is done is recorded in the store at each Settle, up to the first message that is
// not. After a stop or a crash, the file is read from its start again, and its records are
// handed out behind that place, if those before it are still the ones that were: a
// checksum over them tells. Otherwise it counts as another file. So delivery is at least
// once; what was in flight is repeated, with the same ID. A returned message stops the
// pipeline, because a file cannot take it back.
//
// A reader that is paused for longer than its lease may find that another one has its
// file: it stops with an error that wraps [connector.ErrFenced], and what was in flight is
// done twice.
//
// Every Open is a competing reader: files go to whoever claims them first, so between two
// readers there is no order of files. One reader hands out one file after the other.
type FolderSource[T any] struct {
	files   FileSystem
	config  FolderConfig
	records func(text io.Reader) next[T]
	// failure makes a message of what ended the reading of a file; nil where the pipeline
	// has to stop with it.
	failure func(err error, line int) T
}

// Folder returns a source of the good records of a folder's files. It stops with the
// error at the first bad one.
func Folder[T any](files FileSystem, format transform.Decoder[T], config FolderConfig) (*FolderSource[T], error) {
	if err := config.complete(files, format != nil); err != nil {
		return nil, err
	}

	return &FolderSource[T]{files: files, config: config, records: values(format)}, nil
}

// FolderRows returns a source like that of [Folder] which hands out good and bad records
// alike. A file that cannot be read on, such as one with a wrong header, ends with a
// [transform.Row] that has the error, so that a flow dead-letters it, and the source goes
// on with the next file: FolderConfig.Quarantine is where the bad one goes, and required.
func FolderRows[T any](files FileSystem, format transform.Decoder[T], config FolderConfig) (*FolderSource[transform.Row[T]], error) {
	err := config.complete(files, format != nil)
	if config.Quarantine == "" {
		err = errors.Join(err, connector.Permanent(errors.New(
			"fileconn: FolderConfig.Quarantine is empty; FolderRows goes on after a bad file and needs a place for it")))
	}
	if err != nil {
		return nil, err
	}

	return &FolderSource[transform.Row[T]]{
		files: files, config: config, records: allRows(format),
		failure: func(err error, line int) transform.Row[T] {
			return transform.Row[T]{Err: err, Line: line}
		},
	}, nil
}

// Describe implements [connector.Describer].
func (s *FolderSource[T]) Describe() connector.Capabilities {
	return connector.Capabilities{Name: "folder " + s.config.Name, Ordered: true}
}

// CheckHealth reports whether the folder can be listed now.
func (s *FolderSource[T]) CheckHealth(ctx context.Context) error {
	_, err := s.files.List(ctx, 1)

	return s.wrap(err)
}

// Open implements [connector.Source]. It fails when the folder cannot be listed.
func (s *FolderSource[T]) Open(ctx context.Context) (connector.Reader[T], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	scout := newScout(s.files, s.config)
	if err := scout.recall(ctx); err != nil {
		return nil, s.wrap(err)
	}

	return &folderReader[T]{source: s, scout: scout, desk: newDesk(s.files, s.config)}, nil
}

func (s *FolderSource[T]) wrap(err error) error {
	if err == nil {
		return nil
	}

	return fmt.Errorf("fileconn: folder %s: %w", s.config.Name, err)
}
