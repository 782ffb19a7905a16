package fileconn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"uuid"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/transform"
)

// Uploader puts whole files into a folder: what an [UploadSink] asks of one. Its methods
// are safe for concurrent use; a driver never retries.
type Uploader interface {
	// String names the folder in errors and metrics. It holds no secret.
	fmt.Stringer

	// Upload makes a file of the text. Nobody sees the name before all of the text is
	// there. It returns an error that wraps fs.ErrExist when the name is taken, and an
	// ambiguous one when the file may be there all the same.
	Upload(ctx context.Context, name string, text []byte) error
}

// DefaultUploadBytes is the least text that fills a file.
const DefaultUploadBytes = 64 << 20

// UploadConfig says how the files of an [UploadSink] are made.
type UploadConfig struct {
	// Name is that of the files, before a number is put into it: "orders.csv" makes
	// "orders.0198f1c2-….csv", whose numbers grow with time. Required.
	Name string
	// MaxBytes is how much text fills a file; a Write with more makes several, none longer
	// than this by more than 64 KiB and a record. Default 64 MiB.
	MaxBytes int
}

// UploadSink makes files of records, for folders of which no file can be written on: each
// Write makes at least one, so write in batches. A message is accepted when its file is
// there under its name, with its size and content checked as the [Uploader] says.
//
// A value that cannot be encoded fails alone. When an upload fails, the messages of that
// file fail with it; those of files before it are accepted, in a
// *[connector.PartialError]. What is written again after an ambiguous error may be there
// twice, in two files. It is safe for concurrent use.
type UploadSink[T any] struct {
	to     Uploader
	format transform.Encoder[T]
	config UploadConfig
}

// Upload returns a sink that makes files in a folder.
func Upload[T any](to Uploader, format transform.Encoder[T], config UploadConfig) (*UploadSink[T], error) {
	var errs []error
	if to == nil || format == nil {
		errs = append(errs, errors.New("fileconn: Upload needs a folder and a format"))
	}
	if base := path.Base(config.Name); base != config.Name || base == "." || !fs.ValidPath(base) {
		errs = append(errs, fmt.Errorf("fileconn: UploadConfig.Name is %q; want the name of a file, such as \"orders.csv\"", config.Name))
	}
	if config.MaxBytes < 0 {
		errs = append(errs, fmt.Errorf("fileconn: UploadConfig.MaxBytes is %d; want 0 for the default of %d, or more", config.MaxBytes, DefaultUploadBytes))
	}
	if config.MaxBytes == 0 {
		config.MaxBytes = DefaultUploadBytes
	}
	if err := errors.Join(errs...); err != nil {
		return nil, connector.Permanent(err)
	}

	return &UploadSink[T]{to: to, format: format, config: config}, nil
}

// Describe implements [connector.Describer].
func (s *UploadSink[T]) Describe() connector.Capabilities {
	return connector.Capabilities{Name: "upload " + s.to.String() + "/" + s.config.Name, Durable: true}
}

// Write implements [connector.Sink].
func (s *UploadSink[T]) Write(ctx context.Context, messages []connector.Message[T]) error {
	fates := connector.NewPartialError(len(messages))
	var stopped error
	for done := 0; done < len(messages) && stopped == nil; {
		if stopped = ctx.Err(); stopped != nil {
			break
		}
		var n int
		n, stopped = s.writeFile(ctx, messages[done:], fates.Members[done:])
		done += n
	}
	accepted, failed := 0, 0
	for i := range fates.Members {
		member := &fates.Members[i]
		switch {
		case member.Fate == connector.Accepted:
			accepted++
		case member.Fate == connector.NotAttempted:
			member.Err = stopped
		case stopped == nil || !errors.Is(member.Err, stopped):
			failed++
		}
	}
	switch {
	case accepted == len(messages):
		return nil
	case accepted == 0 && failed == 0:
		return stopped
	default:
		return fates
	}
}

// writeFile makes one file and returns how many messages it dealt with.
func (s *UploadSink[T]) writeFile(ctx context.Context, messages []connector.Message[T], fates []connector.Member) (int, error) {
	var text bytes.Buffer
	w := s.format.NewWriter(&text)
	taken, encoded := 0, 0
	for taken < len(messages) && text.Len() < s.config.MaxBytes {
		if err := w.Write(messages[taken].Value); err != nil {
			fates[taken] = connector.Member{Fate: connector.Failed, Err: s.wrap(s.config.Name, err)}
		} else {
			encoded++
		}
		taken++
	}
	if encoded == 0 {
		return taken, nil
	}
	name := s.fileName()
	err := w.Close()
	if err == nil {
		err = s.to.Upload(ctx, name, text.Bytes())
	}
	err = s.wrap(name, err)
	for i := range fates[:taken] {
		if fates[i].Err == nil {
			fates[i] = uploadFate(err)
		}
	}

	return taken, err
}

// uploadFate is what became of the messages of one file.
func uploadFate(err error) connector.Member {
	switch {
	case err == nil:
		return connector.Member{Fate: connector.Accepted}
	case connector.ClassOf(err) == connector.ClassAmbiguous:
		return connector.Member{Fate: connector.Unclear, Err: err}
	default:
		return connector.Member{Fate: connector.Failed, Err: err}
	}
}

// fileName puts a number into the name.
func (s *UploadSink[T]) fileName() string {
	ext := path.Ext(s.config.Name)

	return strings.TrimSuffix(s.config.Name, ext) + "." + uuid.NewV7().String() + ext
}

func (s *UploadSink[T]) wrap(name string, err error) error {
	if err == nil {
		return nil
	}

	return fmt.Errorf("fileconn: upload %s/%s: %w", s.to, name, err)
}
