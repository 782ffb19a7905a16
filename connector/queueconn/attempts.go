package queueconn

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/millrace-go/millrace/internal/boltfile"
)

// attempts is the file in which Read notes what it hands out. It is written without sync:
// what the kernel has outlives the process, and that is what it is for.
//
// The file is a header, the identity of the queue, and notes of 20 bytes: first sequence
// number (8), how many messages (4), how often they were handed out (4), checksum (4). The
// largest number noted of a message holds.
type attempts struct {
	path string
	id   string
	file *os.File
	size int64
	full int64 // rewrite when the file is larger
	end  int64 // behind the last sequence number that was noted
	buf  []byte
}

const (
	attemptsMagic = "millrace attempts 1\n"
	noteSize      = 20
	attemptsFull  = 1 << 20
)

func openAttempts(path, id string) (*attempts, error) {
	a := &attempts{path: path, id: id, full: attemptsFull}
	var err error

	if a.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, boltfile.Mode); err != nil {
		return nil, fmt.Errorf("queueconn: open attempts: %w", err)
	}
	if err := a.scan(func(note) {}); err != nil {
		return nil, errors.Join(err, a.file.Close())
	}

	return a, nil
}

// note says that n messages from seq on were handed out attempt times.
type note struct {
	seq     int64
	n       uint32
	attempt uint32
}

func (n note) end() int64 { return n.seq + int64(n.n) }

func (n note) continues(one note) bool {
	return one.seq == n.end() && one.attempt == n.attempt
}

func (n note) append(buf []byte) []byte {
	at := len(buf)
	buf = binary.BigEndian.AppendUint64(buf, uint64(n.seq))
	buf = binary.BigEndian.AppendUint32(buf, n.n)
	buf = binary.BigEndian.AppendUint32(buf, n.attempt)

	return binary.BigEndian.AppendUint32(buf, checksum(buf[at:]))
}

// parseNote reads the note at the front of data.
func parseNote(data []byte) (note, bool) {
	if len(data) < noteSize || binary.BigEndian.Uint32(data[16:]) != checksum(data[:16]) {
		return note{}, false
	}
	seq := binary.BigEndian.Uint64(data)
	if seq > math.MaxInt64-math.MaxUint32 {
		return note{}, false
	}

	return note{int64(seq), binary.BigEndian.Uint32(data[8:]), binary.BigEndian.Uint32(data[12:])}, true
}

// scan calls each for every note of this queue, and sets where the next one goes. A file
// of another queue, or of none, is begun anew; a damaged tail is cut off.
func (a *attempts) scan(each func(note)) error {
	data, err := io.ReadAll(io.NewSectionReader(a.file, 0, math.MaxInt64))
	if err != nil {
		return fmt.Errorf("queueconn: read attempts: %w", err)
	}
	head := a.header()
	if len(data) < len(head) || string(data[:len(head)]) != string(head) {
		return a.begin()
	}
	a.size = int64(len(head))
	for data = data[len(head):]; ; data = data[noteSize:] {
		n, ok := parseNote(data)
		if !ok {
			return nil
		}
		a.size += noteSize
		a.end = max(a.end, n.end())
		each(n)
	}
}

func (a *attempts) header() []byte { return append([]byte(attemptsMagic), a.id...) }

func (a *attempts) begin() error {
	if err := a.file.Truncate(0); err != nil {
		return fmt.Errorf("queueconn: begin attempts: %w", err)
	}
	a.size = 0

	return a.write(a.header())
}

func (a *attempts) write(data []byte) error {
	if _, err := a.file.WriteAt(data, a.size); err != nil {
		return fmt.Errorf("queueconn: note attempts: %w", err)
	}
	a.size += int64(len(data))

	return nil
}

// note appends the attempts of the entries.
func (a *attempts) note(entries []*entry) (full bool, err error) {
	if len(entries) == 0 {
		return false, nil
	}
	a.buf = a.encode(a.buf[:0], entries)

	return a.size >= a.full, a.write(a.buf)
}

// encode joins neighbours with the same attempt.
func (a *attempts) encode(buf []byte, entries []*entry) []byte {
	var run note
	for _, e := range entries {
		one := note{seq: e.seq, n: 1, attempt: uint32(e.attempt)}
		switch {
		case run.n == 0:
			run = one
		case run.continues(one):
			run.n++
		default:
			buf = run.append(buf)
			run = one
		}
	}
	a.end = max(a.end, run.end())

	return run.append(buf)
}

// rewrite replaces the file by one that notes only these entries, and the end.
func (a *attempts) rewrite(entries []*entry) error {
	slices.SortFunc(entries, func(x, y *entry) int { return cmp.Compare(x.seq, y.seq) })
	data := note{seq: a.end}.append(a.header())
	if len(entries) > 0 {
		data = a.encode(data, entries)
	}
	next := a.path + ".new"
	if err := os.WriteFile(next, data, boltfile.Mode); err != nil {
		return fmt.Errorf("queueconn: rewrite attempts: %w", err)
	}
	if err := os.Rename(next, a.path); err != nil {
		return fmt.Errorf("queueconn: rewrite attempts: %w", err)
	}
	file, err := os.OpenFile(a.path, os.O_RDWR, boltfile.Mode)
	if err != nil {
		return fmt.Errorf("queueconn: rewrite attempts: %w", err)
	}
	err = a.file.Close()
	a.file, a.size = file, int64(len(data))
	a.full = max(attemptsFull, 2*a.size)
	if err != nil {
		return fmt.Errorf("queueconn: rewrite attempts: %w", err)
	}

	return nil
}

// restore sets the attempts of the entries, which ascend, from the notes.
func (a *attempts) restore(entries []*entry) error {
	return a.scan(func(n note) {
		i, _ := slices.BinarySearchFunc(entries, n.seq, func(e *entry, seq int64) int { return cmp.Compare(e.seq, seq) })
		for ; i < len(entries) && entries[i].seq < n.end(); i++ {
			entries[i].attempt = max(entries[i].attempt, int(n.attempt))
		}
	})
}

func (a *attempts) close() error { return a.file.Close() }
