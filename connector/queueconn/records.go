package queueconn

import (
	"encoding/binary"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// counts is what the file says of the whole queue.
type counts struct {
	tail, live, dead int64
	// id ties the file of attempts to this queue.
	id string
}

func (c counts) encode() []byte {
	data := newRecord(64)
	data = binary.AppendUvarint(data, uint64(c.tail))
	data = binary.AppendUvarint(data, uint64(c.live))
	data = binary.AppendUvarint(data, uint64(c.dead))

	return seal(appendText(data, c.id))
}

func decodeCounts(data []byte) (counts, error) {
	content, err := unseal(data)
	if err != nil {
		return counts{}, err
	}
	c := cutter{rest: content}

	n := counts{tail: int64(c.number()), live: int64(c.number()), dead: int64(c.number()), id: c.text()}

	return n, c.err
}

// standing is what the file keeps of a message that was returned.
type standing struct {
	attempt, spared int
	due             time.Time
}

func (s standing) encode() []byte {
	data := binary.AppendUvarint(newRecord(16), uint64(s.attempt))
	data = binary.AppendUvarint(data, uint64(s.spared))
	var due int64
	if !s.due.IsZero() {
		due = s.due.UnixNano()
	}

	return seal(binary.AppendVarint(data, due))
}

func decodeStanding(data []byte) (standing, error) {
	content, err := unseal(data)
	if err != nil {
		return standing{}, err
	}
	c := cutter{rest: content}
	s := standing{attempt: int(c.number()), spared: int(c.number())}
	due, size := binary.Varint(c.rest)
	if c.err != nil || size <= 0 {
		return standing{}, errShort
	}
	if due != 0 {
		s.due = time.Unix(0, due)
	}

	return s, nil
}

// tomb is a dead letter in the file: why it died, and its record, untouched.
type tomb struct {
	attempt int
	class   string
	cause   string
	record  []byte
}

func newTomb(b burial, record []byte) tomb {
	return tomb{
		attempt: b.entry.counted(), class: connector.ClassOf(b.cause).String(), cause: causeText(b.cause),
		record: record,
	}
}

func (t tomb) encode() []byte {
	data := newRecord(len(t.cause) + len(t.record) + 32)
	data = binary.AppendUvarint(data, uint64(t.attempt))
	data = appendText(data, t.class)
	data = appendText(data, t.cause)

	return seal(append(data, t.record...))
}

// decodeTomb reads a dead letter; its record shares memory with data.
func decodeTomb(data []byte) (tomb, error) {
	content, err := unseal(data)
	if err != nil {
		return tomb{}, err
	}
	c := cutter{rest: content}
	t := tomb{attempt: int(c.number()), class: c.text(), cause: c.text()}
	t.record = c.rest

	return t, c.err
}
