package transform

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	"github.com/millrace-go/millrace/connector"
)

// Defaults of ZipConfig.
const (
	DefaultMaxEntries = 10_000
	DefaultMaxArchive = 64 << 20
)

// ZipConfig says which entries of an archive are read, and bounds them. The zero value
// reads all.
type ZipConfig struct {
	// Include are patterns, as path.Match has them, for the names of entries, or for their
	// last parts. Default: every entry that is a file.
	Include []string
	// MaxEntries is the most entries of an archive. Default 10,000.
	MaxEntries int
	// MaxArchive is the most bytes of an archive that must be kept in memory, because its
	// text is no [RandomAccess]. Default 64 MiB.
	MaxArchive int
	// Inflate bounds what comes out of all entries together; its ratio is to the size of
	// the archive, so that entries which share their bytes gain nothing.
	Inflate DecompressConfig
}

// RandomAccess is a text of which any part can be read; the files of package fileconn are.
type RandomAccess interface {
	io.ReaderAt

	// Size is how long the text is.
	Size() int64
}

// Zip returns a decoder of zip archives: inner reads their entries one after the other, in
// the order of the directory. The Line of a [Row] counts on over entries, so it tells
// records apart; an error names its entry, with the line and byte in it.
//
// Nothing is written anywhere. All the same, an archive is refused as a whole, before its
// first record, if an entry has a path that leads out of a directory, is a link or another
// special file, is encrypted, or has a name that another one has.
func Zip[T any](inner Decoder[T], config ZipConfig) (Decoder[T], error) {
	errs := []error{
		config.Inflate.complete(),
		setBound("ZipConfig.MaxEntries", &config.MaxEntries, DefaultMaxEntries),
		setBound("ZipConfig.MaxArchive", &config.MaxArchive, DefaultMaxArchive),
	}
	for _, pattern := range config.Include {
		if _, err := path.Match(pattern, ""); err != nil {
			errs = append(errs, fmt.Errorf("transform: ZipConfig.Include %q: %w", pattern, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, connector.Permanent(err)
	}

	return zipped[T]{inner, config}, nil
}

type zipped[T any] struct {
	inner  Decoder[T]
	config ZipConfig
}

// NewReader implements [Decoder].
func (z zipped[T]) NewReader(text io.Reader) RowReader[T] {
	return &zipReader[T]{zipped: z, text: text}
}

// entries opens an archive and returns the entries that are wanted.
func (z zipped[T]) entries(text io.Reader) (files []*zip.File, size int64, err error) {
	archive, err := z.random(text)
	if err != nil {
		return nil, 0, err
	}
	size = archive.Size()
	const fixed, perEntry = 1 << 20, 512
	limited := &limitedAt{RandomAccess: archive, left: fixed + int64(z.config.MaxEntries)*perEntry}
	directory, err := zip.NewReader(limited, size)
	switch {
	case limited.err != nil:
		return nil, 0, limited.err
	case limited.left < 0, err == nil && len(directory.File) > z.config.MaxEntries:
		return nil, 0, fmt.Errorf("the archive has more than %d entries; raise MaxEntries if that is meant", z.config.MaxEntries)
	case err != nil:
		return nil, 0, fmt.Errorf("this is no zip archive, or it was cut off: %w", err)
	}
	limited.left = 1<<63 - 1
	seen := make(map[string]bool, len(directory.File))
	for _, file := range directory.File {
		if err := checkEntry(file, seen); err != nil {
			return nil, 0, fmt.Errorf("entry %q: %w; the whole archive is refused", file.Name, err)
		}
		if !file.Mode().IsDir() && z.wants(file.Name) {
			files = append(files, file)
		}
	}

	return files, size, nil
}

// random returns a text of which any part can be read.
func (z zipped[T]) random(text io.Reader) (RandomAccess, error) {
	if random, ok := text.(RandomAccess); ok {
		return random, nil
	}
	all, err := io.ReadAll(io.LimitReader(text, int64(z.config.MaxArchive)+1))
	if err != nil {
		return nil, &textError{err}
	}
	if len(all) > z.config.MaxArchive {
		return nil, &connector.LimitError{What: "zip archive", Size: int64(len(all)), Limit: int64(z.config.MaxArchive)}
	}

	return bytes.NewReader(all), nil
}

// checkEntry refuses what has no business in an archive of data.
func checkEntry(file *zip.File, seen map[string]bool) error {
	name := strings.TrimSuffix(file.Name, "/")
	switch {
	case !filepath.IsLocal(name) || strings.ContainsAny(name, "\\\x00:"):
		return errors.New("its path leads out of the archive")
	case !file.Mode().IsRegular() && !file.Mode().IsDir():
		return errors.New("it is a link or another special file")
	case file.Flags&1 != 0:
		return errors.New("it is encrypted")
	case seen[name]:
		return errors.New("another one has its name")
	}
	seen[name] = true

	return nil
}

func (z zipped[T]) wants(name string) bool {
	if len(z.config.Include) == 0 {
		return true
	}
	for _, pattern := range z.config.Include {
		whole, _ := path.Match(pattern, name)
		last, _ := path.Match(pattern, path.Base(name))
		if whole || last {
			return true
		}
	}

	return false
}

// limitedAt bounds how much is read of a directory, and keeps why it could not be.
type limitedAt struct {
	RandomAccess

	left int64
	err  error
}

// ReadAt implements io.ReaderAt.
func (l *limitedAt) ReadAt(p []byte, at int64) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		return 0, errors.New("the directory is too long")
	}
	n, err := l.RandomAccess.ReadAt(p, at)
	if err != nil && !errors.Is(err, io.EOF) {
		l.err = &textError{err}
	}

	return n, err //nolint:wrapcheck // io.EOF must stay what it is
}

// textError is an error of the text, whose class is not ours to give.
type textError struct{ error }

// Unwrap returns the cause.
func (e *textError) Unwrap() error { return e.error }
