package fileconn

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// temporary is the suffix of files that are not complete.
const temporary = ".tmp"

// start takes the lock and what an earlier sink left behind, once.
func (s *Sink[T]) start() error {
	if s.lock != nil {
		return nil
	}
	lock, err := lockFile(hidden(s.config.Path, ".lock"))
	if err != nil {
		return s.wrap(connector.Permanent(err))
	}
	if err = s.recoverFiles(); err != nil {
		return errors.Join(s.note(err), lock.Close())
	}
	s.lock = lock

	return nil
}

// repair cuts the torn end off a file to append to. A sink has no call at which a
// pipeline starts, so it is done when the sink is made.
func (s *Sink[T]) repair() error {
	if _, err := os.Stat(s.config.Path); err != nil || s.config.Mode != Append {
		return nil // the first Write says why it cannot be opened
	}
	lock, err := lockFile(hidden(s.config.Path, ".lock"))
	if errors.Is(err, errLocked) {
		return nil
	}
	if err != nil {
		return connector.Permanent(err)
	}
	err = s.openFile(s.config.Path, "", true)
	if err == nil {
		s.sound, err = s.out.file.Stat()
		err = errors.Join(err, s.out.close())
		s.out = nil
	}

	return errors.Join(err, lock.Close())
}

func (s *Sink[T]) recoverFiles() error {
	switch s.config.Mode {
	case WholeFile:
		return s.recoverWhole()
	case Parts:
		return s.recoverParts()
	case Append:
		return nil // opening the file does it, where repair has not
	}

	return nil
}

// recoverWhole goes on with the temporary file of an earlier sink.
func (s *Sink[T]) recoverWhole() error {
	_, err := os.Lstat(hidden(s.config.Path, temporary))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}

	return s.openFile(hidden(s.config.Path, temporary), s.config.Path, true)
}

// recoverParts completes the temporary parts of an earlier sink and finds the next number.
func (s *Sink[T]) recoverParts() error {
	entries, err := os.ReadDir(filepath.Dir(s.config.Path))
	if err != nil {
		return fmt.Errorf("look for earlier parts: %w", err)
	}
	s.number = 1
	for _, entry := range entries {
		name, left := strings.CutPrefix(entry.Name(), ".")
		if left {
			name, left = strings.CutSuffix(name, temporary)
		}
		number := s.partNumber(name)
		if number == 0 {
			continue
		}
		s.number = max(s.number, number+1)
		if left {
			if err := s.completePart(s.partPath(number)); err != nil {
				return err
			}
		}
	}

	return nil
}

// completePart gives an earlier sink's temporary part its name.
func (s *Sink[T]) completePart(final string) error {
	if err := s.openFile(hidden(final, temporary), final, false); err != nil {
		return err
	}
	out := s.out
	s.out = nil
	if out.records == 0 {
		return out.discard()
	}
	if err := out.finish(false); err != nil {
		return errors.Join(err, out.close())
	}

	return nil
}

// partPath is the name of a complete part.
func (s *Sink[T]) partPath(number int) string {
	ext := filepath.Ext(s.config.Path)

	return fmt.Sprintf("%s.part-%06d%s", strings.TrimSuffix(s.config.Path, ext), number, ext)
}

// partNumber is the number in the name of a complete part; 0 for any other file.
func (s *Sink[T]) partNumber(name string) int {
	ext := filepath.Ext(s.config.Path)
	digits, ours := strings.CutPrefix(name, strings.TrimSuffix(filepath.Base(s.config.Path), ext)+".part-")
	digits, typed := strings.CutSuffix(digits, ext)
	number, err := strconv.Atoi(digits)
	if !ours || !typed || err != nil || name != filepath.Base(s.partPath(number)) {
		return 0
	}

	return number
}

// openFile opens a file to write at its end, and cuts a torn end off. With same, the
// header must be the one that the sink would write.
func (s *Sink[T]) openFile(path, final string, same bool) error {
	out, err := openOutput(s.disk, path, final)
	if err != nil {
		return err
	}
	if s.sound == nil || !out.unchanged(s.sound) {
		err = s.cutTear(out, same)
	}
	if err != nil {
		return errors.Join(err, out.close())
	}
	s.out = out

	return nil
}

func (s *Sink[T]) cutTear(out *output, same bool) error {
	end, state, err := checkHeader(out.file, out.size, s.header)
	if err != nil {
		return err
	}
	good, found := int64(0), false
	switch {
	case state == headerOther && same:
		return connector.Permanent(fmt.Errorf("%s has another header than %q; move it away or use another path", out.path, s.header))
	case state != headerTorn:
		if good, found, err = wholeRecords(out.file, out.size, end, s.format); err != nil {
			return err
		}
	}
	if found {
		out.records = 1 // at least; only a part counts, and it is completed as it is
	}
	keep := ""
	if out.final == "" {
		keep = out.path + ".torn"
	}

	return out.cut(good, keep)
}

// openNext opens the file that the next record goes to, where none is open.
func (s *Sink[T]) openNext() error {
	if s.out != nil {
		return nil
	}
	switch s.config.Mode {
	case WholeFile:
		if _, err := os.Lstat(s.config.Path); err == nil && !s.config.Overwrite {
			return connector.Permanent(fmt.Errorf("%w; move it away or set Overwrite", fs.ErrExist))
		}

		return s.openFile(hidden(s.config.Path, temporary), s.config.Path, true)
	case Append:
		return s.openFile(s.config.Path, "", true)
	case Parts:
		final := s.partPath(s.number)
		if err := s.openFile(hidden(final, temporary), final, true); err != nil {
			return err
		}
		s.number++
		s.out.timer = s.ageTimer(s.out)
	}

	return nil
}

// ageTimer completes a part by its age; nil when parts have no age.
func (s *Sink[T]) ageTimer(part *output) *time.Timer {
	if s.config.PartAge == 0 {
		return nil
	}

	return time.AfterFunc(s.config.PartAge, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.out == part && s.broken == nil {
			s.complete = true
			// An error is not lost: the next Write, Flush or Close meets it again.
			_ = s.settleFile()
		}
	})
}

// settleFile completes what is being written, unless records are appended.
func (s *Sink[T]) settleFile() error {
	if s.out == nil || s.config.Mode == Append {
		return nil
	}
	out := s.out
	if out.records == 0 {
		s.out, s.complete = nil, false

		return s.note(out.discard())
	}
	s.complete = true
	if err := out.finish(s.config.Overwrite); err != nil {
		return s.note(err)
	}
	s.out, s.complete = nil, false

	return nil
}
