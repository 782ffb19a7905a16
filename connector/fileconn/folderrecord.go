package fileconn

import (
	"encoding/json/v2"
	"fmt"
	"hash/crc64"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// recordTTL is how long the store keeps what is known of a file that is not done. After
// that the file starts from its first record again.
const recordTTL = 30 * 24 * time.Hour

// record is what the store knows of a file.
type record struct {
	// Stamp is that of the file that it is about.
	Stamp string `json:"stamp"`
	// Line and Sum say how far it is done.
	Line int64  `json:"line,omitzero"`
	Sum  uint64 `json:"sum,omitzero,string"`
	// Done says that all of it is; Failed that it could not be read to its end.
	Done   bool `json:"done,omitzero"`
	Failed bool `json:"failed,omitzero"`
}

// key is that of the claim and of the record of a file.
func (c *FolderConfig) key(name string) string { return "file/" + c.Name + "/" + name }

func readRecord(entry connector.Entry) (record, error) {
	var r record
	if err := json.Unmarshal(entry.Value, &r); err != nil {
		return record{}, connector.Permanent(fmt.Errorf("the store's entry %q is damaged; remove it, and the file starts again: %w", entry.Key, err))
	}

	return r, nil
}

// mark is a place in a file: a line, and a checksum over the records up to it.
type mark struct {
	line int64
	sum  uint64
}

var crcTable = crc64.MakeTable(crc64.ECMA)

// tally adds records to a checksum.
type tally struct {
	sum    uint64
	buffer []byte
}

// add counts one record. A NUL ends it, so that two records are not one.
func (t *tally) add(raw string) {
	t.buffer = append(append(t.buffer[:0], raw...), 0)
	t.sum = crc64.Update(t.sum, crcTable, t.buffer)
}
