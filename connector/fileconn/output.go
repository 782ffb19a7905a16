package fileconn

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// output is one open file. All of its first size bytes are whole records, and on disk.
type output struct {
	disk    disk
	file    file
	path    string // what it is called now
	final   string // what it is called when it is complete; "" when that is path
	size    int64
	records int
	timer   *time.Timer // completes a part by age
}

// errSync marks what leaves the state of the disk unknown: the sink must stop.
var errSync = errors.New("the disk did not confirm what was written")

// openOutput opens or creates a file to write at its end.
func openOutput(d disk, path, final string) (*output, error) {
	f, err := d.open(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, err
	}
	o := &output{disk: d, file: f, path: path, final: final}
	info, err := f.Stat()
	switch {
	case err != nil:
		err = fmt.Errorf("stat: %w", err)
	case !info.Mode().IsRegular():
		err = connector.Permanent(fmt.Errorf("%s is not a regular file", path))
	default:
		o.size = info.Size()
		err = d.syncDir(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}

	return o, nil
}

// inPlace reports whether the path still leads to the file.
func (o *output) inPlace() bool {
	there, err := os.Stat(o.path)
	if err != nil {
		return false
	}
	here, err := o.file.Stat()

	return err == nil && os.SameFile(there, here)
}

// unchanged reports whether the file is the one that was looked at before.
func (o *output) unchanged(before fs.FileInfo) bool {
	now, err := o.file.Stat()

	return err == nil && os.SameFile(before, now) && before.Size() == now.Size() && before.ModTime().Equal(now.ModTime())
}

// write makes text durable (invariant 8), or leaves the file as it was. An error that is errSync means
// that it can do neither.
func (o *output) write(text []byte, records int) error {
	if _, err := o.file.WriteAt(text, o.size); err != nil {
		if cutErr := o.file.Truncate(o.size); cutErr != nil {
			return fmt.Errorf("%w: write: %w; then cut: %w", errSync, err, cutErr)
		}

		return fmt.Errorf("write: %w", err)
	}
	if err := o.file.Sync(); err != nil {
		return fmt.Errorf("%w: sync: %w", errSync, err)
	}
	o.size += int64(len(text))
	o.records += records

	return nil
}

// cut leaves the first good bytes. With keep, the rest is added to that file before.
func (o *output) cut(good int64, keep string) error {
	if good == o.size {
		return nil
	}
	if keep != "" {
		if err := o.save(good, keep); err != nil {
			return err
		}
	}
	if err := o.file.Truncate(good); err != nil {
		return fmt.Errorf("cut the torn end: %w", err)
	}
	if err := o.file.Sync(); err != nil {
		return fmt.Errorf("%w: sync: %w", errSync, err)
	}
	o.size = good

	return nil
}

// save copies what stands behind the good bytes to the end of another file.
func (o *output) save(good int64, keep string) error {
	kept, err := openOutput(o.disk, keep, "")
	if err != nil {
		return err
	}
	_, err = io.Copy(io.NewOffsetWriter(kept.file, kept.size), io.NewSectionReader(o.file, good, o.size-good))
	if err == nil {
		err = kept.file.Sync()
	}
	if err = errors.Join(err, kept.file.Close()); err != nil {
		return fmt.Errorf("keep the torn end in %s: %w", keep, err)
	}

	return nil
}

// finish gives the file its final name. It may be called again after an error that is
// not errSync.
func (o *output) finish(overwrite bool) error {
	if _, err := os.Lstat(o.final); err == nil && !overwrite {
		return connector.Permanent(fmt.Errorf("%s exists already; move it away, the new records are safe in %s", o.final, o.path))
	}
	if err := o.disk.rename(o.path, o.final); err != nil {
		return fmt.Errorf("rename: %w", err)
	}
	o.path = o.final
	if err := o.disk.syncDir(filepath.Dir(o.final)); err != nil {
		return fmt.Errorf("%w: %w", errSync, err)
	}

	return o.close()
}

// discard removes the file, which has no records.
func (o *output) discard() error {
	if err := errors.Join(o.close(), os.Remove(o.path)); err != nil {
		return fmt.Errorf("remove: %w", err)
	}

	return nil
}

func (o *output) close() error {
	if o.timer != nil {
		o.timer.Stop()
	}
	if err := o.file.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}

	return nil
}
