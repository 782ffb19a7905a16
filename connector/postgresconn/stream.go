package postgresconn

import (
	"fmt"
	"io"
	"sync"
	"unsafe"

	"github.com/millrace-go/millrace/connector"
)

const (
	// copyHead begins a COPY in binary format; its flags and its extension are empty.
	copyHead = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	// copyTail ends it.
	copyTail = "\xff\xff"
)

// stream is the data of one COPY, encoded as pgx asks for it. A row that cannot be encoded
// is marked as failed and left out.
type stream[T any] struct {
	layout   *layout
	messages []connector.Message[T]
	members  []connector.Member
	// numbered adds the row's number, for a COPY into the staging table.
	numbered bool
	describe func(i int, err error) error

	mu        sync.Mutex
	next, end int
	// lines has the row of each line that was sent.
	lines []int
	// left is encoded and not taken yet.
	left    []byte
	drained bool
}

// begin makes the stream ready for the rows from at to end that have no fate yet.
func (s *stream[T]) begin(at, end int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next, s.end = at, end
	s.lines, s.left = s.lines[:0], append(s.left[:0], copyHead...)
	s.drained = false
}

// stop keeps a goroutine of pgx that outlives its COPY, as one may on a connection that
// breaks, from reading messages that belong to the caller again.
func (s *stream[T]) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next, s.end, s.drained = 0, 0, true
	s.left = s.left[:0]
}

// row is the message of a line, counted from 1.
func (s *stream[T]) row(line int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if line < 1 || line > len(s.lines) {
		return unknownRow
	}

	return s.lines[line-1]
}

// Read implements io.Reader.
func (s *stream[T]) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.left) < len(p) && s.next < s.end {
		s.encode(s.next)
		s.next++
	}
	if s.next >= s.end && !s.drained {
		s.left = append(s.left, copyTail...)
		s.drained = true
	}
	if len(s.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.left)
	s.left = s.left[:copy(s.left, s.left[n:])]

	return n, nil
}

func (s *stream[T]) encode(i int) {
	if s.members[i] != (connector.Member{}) {
		return
	}
	columns := s.layout.columns
	count := len(columns)
	if s.numbered {
		count++
	}
	row := append(s.left, byte(count>>8), byte(count))
	value := unsafe.Pointer(&s.messages[i].Value)
	for c := range columns {
		var err error
		if row, err = columns[c].encode(row, unsafe.Add(value, columns[c].offset)); err != nil {
			s.members[i] = connector.Member{
				Fate: connector.Failed, Err: s.describe(i, fmt.Errorf("field %s: %w", columns[c].field, err)),
			}

			return
		}
	}
	if s.numbered {
		row = append(row, 0, 0, 0, 4, byte(i>>24), byte(i>>16), byte(i>>8), byte(i))
	}
	s.left, s.lines = row, append(s.lines, i)
}
