package fileconn

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/millrace-go/millrace/connector"
)

// gather is how many bytes go to disk at once.
const gather = 4 << 20

// Write implements [connector.Sink]. It returns when the records are on disk.
func (s *Sink[T]) Write(ctx context.Context, messages []connector.Message[T]) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.start(); err != nil {
		return err
	}
	fates := s.newFates(len(messages))
	for done := 0; done < len(messages); {
		n, err := s.writeSome(messages[done:], fates.Members[done:])
		done += n
		if err == nil && done < len(messages) {
			err = ctx.Err()
		}
		if err != nil {
			return s.partial(fates, done, err)
		}
	}

	return s.partial(fates, len(messages), nil)
}

// newFates uses the memory of the last Write again, unless its caller has it.
func (s *Sink[T]) newFates(n int) *connector.PartialError {
	fates := s.fates
	s.fates = nil
	if fates == nil || cap(fates.Members) < n {
		return connector.NewPartialError(n)
	}
	fates.Members = fates.Members[:n]
	clear(fates.Members)

	return fates
}

// writeSome writes as many messages as go into the current file at once, and returns for
// how many the fate is known.
func (s *Sink[T]) writeSome(messages []connector.Message[T], fates []connector.Member) (int, error) {
	if s.complete {
		if err := s.settleFile(); err != nil {
			return 0, err
		}
	}
	if err := s.checkPlace(); err != nil {
		return 0, err
	}
	if err := s.openNext(); err != nil {
		return 0, s.note(err)
	}
	taken, encoded := s.encode(messages, fates)
	err := s.commit(encoded)
	for i := range fates[:taken] {
		if fates[i].Err == nil {
			fates[i] = fateOf(err)
		}
	}

	return taken, err
}

// checkPlace looks whether the file is still where it was opened. A file for appending
// that was moved away is left to who did that, and begun again.
func (s *Sink[T]) checkPlace() error {
	if s.out == nil || s.out.inPlace() {
		return nil
	}
	if s.config.Mode != Append {
		s.broken = fmt.Errorf("someone moved or removed %s while it was written; restore it", s.out.path)

		return s.usable()
	}
	out := s.out
	s.out = nil

	return s.wrap(out.close())
}

// encode fills the buffer until the part is complete, and returns how many messages it
// looked at and how many are in the buffer. A value that cannot be encoded has its error
// in fates.
func (s *Sink[T]) encode(messages []connector.Message[T], fates []connector.Member) (taken, encoded int) {
	s.buffer = s.buffer[:0]
	if s.out.size == 0 {
		s.buffer = append(s.buffer, s.header...)
	}
	for i := range messages {
		before := len(s.buffer)
		longer, err := s.format.Append(s.buffer, messages[i].Value)
		if err != nil {
			fates[i] = connector.Member{Fate: connector.Failed, Err: s.wrap(err)}

			continue
		}
		if s.exceeds(len(longer), encoded) {
			s.buffer, s.complete = longer[:before], true

			return i, encoded
		}
		s.buffer = longer
		encoded++
		if s.out.records+encoded == s.config.PartRecords {
			s.complete = true

			return i + 1, encoded
		}
		if len(s.buffer) >= gather {
			return i + 1, encoded
		}
	}

	return len(messages), encoded
}

// exceeds reports whether a part that has records already would become too large.
func (s *Sink[T]) exceeds(buffered, encoded int) bool {
	return s.config.PartBytes > 0 && s.out.records+encoded > 0 && s.out.size+int64(buffered) > s.config.PartBytes
}

// commit puts the buffer on disk.
func (s *Sink[T]) commit(records int) error {
	if records == 0 {
		return nil
	}
	err := s.out.write(s.buffer, records)
	if cap(s.buffer) > gather {
		s.buffer = nil
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errSync):
		return connector.Ambiguous(s.note(err))
	case errors.Is(err, syscall.ENOSPC):
		err = fmt.Errorf("%w; make room, what was accepted before is safe", err)
	}

	return connector.Transient(s.wrap(err))
}

func fateOf(err error) connector.Member {
	switch {
	case err == nil:
		return connector.Member{Fate: connector.Accepted}
	case errors.Is(err, errSync):
		return connector.Member{Fate: connector.Unclear, Err: err}
	default:
		return connector.Member{Fate: connector.Failed, Err: err}
	}
}

// partial makes the error of a Write that stopped with err after some messages: nil when
// all were accepted, err itself when it says enough about all of them.
func (s *Sink[T]) partial(fates *connector.PartialError, done int, err error) error {
	var counts [connector.Unclear + 1]int
	unencoded := 0
	for i := range fates.Members {
		member := &fates.Members[i]
		if i >= done {
			member.Err = err
		}
		counts[member.Fate]++
		if member.Err != nil && !errors.Is(member.Err, err) {
			unencoded++
		}
	}
	all := len(fates.Members)
	unclear := counts[connector.Unclear]
	switch {
	case counts[connector.Accepted] == all:
		s.fates = fates

		return s.completed()
	case counts[connector.Accepted] == 0 && unencoded == 0 && (unclear == 0 || unclear == all):
		return err
	default:
		return fates
	}
}

// completed gives a part its name as soon as its last record was accepted. The records
// are on disk, so an error waits for the next call, which meets it again.
func (s *Sink[T]) completed() error {
	if s.complete {
		_ = s.settleFile()
	}

	return nil
}
