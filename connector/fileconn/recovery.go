package fileconn

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/millrace-go/millrace/transform"
)

// tailBytes is how much of the end of a file is looked at where lines are records.
const tailBytes = 4 << 20

// headerState is how the start of a file compares with the header it should have.
type headerState uint8

const (
	headerWhole headerState = iota
	headerTorn
	headerOther
)

// checkHeader compares the start of a file with a header, which ends with a line feed. It
// returns where the header ends; 0 when it is not whole.
func checkHeader(f io.ReaderAt, size int64, header []byte) (int64, headerState, error) {
	const mark, crlf = "\uFEFF", "\r\n"
	if len(header) == 0 {
		return 0, headerWhole, nil
	}
	start := make([]byte, min(size, int64(len(mark)+len(header)+len(crlf))))
	if _, err := f.ReadAt(start, 0); err != nil && !errors.Is(err, io.EOF) {
		return 0, headerOther, fmt.Errorf("read the header: %w", err)
	}
	text := bytes.TrimPrefix(start, []byte(mark))
	rest, same := bytes.CutPrefix(text, bytes.TrimSuffix(header, []byte("\n")))
	for _, end := range []string{"\n", crlf} {
		if same && bytes.HasPrefix(rest, []byte(end)) {
			return int64(len(start) - len(rest) + len(end)), headerWhole, nil
		}
	}
	if len(text) < len(header) && bytes.HasPrefix(header, text) {
		return 0, headerTorn, nil
	}

	return 0, headerOther, nil
}

// wholeRecords returns how many bytes of a file are whole records, the header of the
// given length included, and whether there are any. A tear is at the end: behind the last
// record that has its form and its line end.
func wholeRecords[T any](f io.ReaderAt, size, header int64, format transform.Format[T]) (good int64, found bool, err error) {
	from := int64(0)
	if header == 0 {
		if from, err = tailStart(f, size); err != nil {
			return 0, false, err
		}
	}
	good, found = max(from, header), from > 0
	rows := format.NewChecker(io.NewSectionReader(f, from, size-from))
	for {
		row, err := rows.Read()
		if _, bad := errors.AsType[*transform.RowError](err); bad || errors.Is(err, io.EOF) {
			return good, found, nil
		}
		if err != nil {
			return 0, false, fmt.Errorf("look for a torn end: %w", err)
		}
		if row.Err != nil {
			continue
		}
		end, err := endOfLine(f, from+row.Byte+int64(len(row.Raw)))
		if err != nil {
			return 0, false, err
		}
		if end > 0 {
			good, found = end, true
		}
	}
}

// endOfLine returns where the line end at an offset is over, or 0 when there is none.
func endOfLine(f io.ReaderAt, at int64) (int64, error) {
	var buffer [2]byte
	n, err := f.ReadAt(buffer[:], at)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("look for a torn end: %w", err)
	}
	if newline := bytes.IndexByte(buffer[:n], '\n'); newline >= 0 {
		return at + int64(newline) + 1, nil
	}

	return 0, nil
}

// tailStart returns the start of a line near the end of a file of lines.
func tailStart(f io.ReaderAt, size int64) (int64, error) {
	if size <= tailBytes {
		return 0, nil
	}
	tail := make([]byte, tailBytes)
	if _, err := f.ReadAt(tail, size-tailBytes); err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("look for a torn end: %w", err)
	}
	newline := bytes.IndexByte(tail, '\n')
	if newline < 0 || newline == len(tail)-1 {
		return 0, nil
	}

	return size - tailBytes + int64(newline) + 1, nil
}
