package queueconn

import (
	"encoding/binary"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/wallclock"
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

// standing is what the file keeps of a message that was returned, or written with a delay.
// The file has times of the wall clock: when the delay ends, and when that was decided.
type standing struct {
	attempt, spared int
	due, stamp      time.Time
}

// delayed puts a delay that ends at due, by the clock of this process, into the standing.
func (s standing) delayed(due time.Time) standing {
	if !due.IsZero() {
		s.due, s.stamp = wallclock.At(due), wallclock.Now()
	}

	return s
}

// ends returns when the delay ends by the clock of this process, or zero.
func (s standing) ends() time.Time {
	if s.due.IsZero() {
		return time.Time{}
	}

	return wallclock.Due(s.due, s.stamp)
}

func (s standing) encode() []byte {
	data := binary.AppendUvarint(newRecord(16), uint64(s.attempt))
	data = binary.AppendUvarint(data, uint64(s.spared))
	data = appendTime(data, s.due)

	return seal(appendTime(data, s.stamp))
}

func appendTime(data []byte, t time.Time) []byte {
	var n int64
	if !t.IsZero() {
		n = t.UnixNano()
	}

	return binary.AppendVarint(data, n)
}

func decodeStanding(data []byte) (standing, error) {
	content, err := unseal(data)
	if err != nil {
		return standing{}, err
	}
	c := cutter{rest: content}
	s := standing{attempt: int(c.number()), spared: int(c.number())}
	s.due = c.time()
	if len(c.rest) > 0 { // a record without a stamp is older than stamps
		s.stamp = c.time()
	}

	return s, c.err
}

func (c *cutter) time() time.Time {
	n, size := binary.Varint(c.rest)
	if size <= 0 {
		c.fail()

		return time.Time{}
	}
	c.rest = c.rest[size:]
	if n == 0 {
		return time.Time{}
	}

	return time.Unix(0, n)
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
