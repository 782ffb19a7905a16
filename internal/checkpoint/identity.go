package checkpoint

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/millrace-go/millrace/connector"
)

// Identity tells messages apart across runs.
type Identity struct {
	Position connector.Position
	// Name is the ID where it is not the text of the position: that of a part of a message,
	// or one that the source has set.
	Name string
}

// IdentityOf is that of a message, which must have a position.
func IdentityOf(m *connector.Meta) Identity {
	identity := Identity{Position: m.Position()}
	if id := m.ID(); id != identity.Position.String() {
		identity.Name = id
	}

	return identity
}

// encode packs the identities of one partition: for each the way from the offset before,
// and its name if it has one.
func encode(list []Identity) []byte {
	var data []byte
	var last int64
	for _, identity := range list {
		data = binary.AppendVarint(data, identity.Position.Offset-last)
		data = binary.AppendUvarint(data, uint64(len(identity.Name)))
		data = append(data, identity.Name...)
		last = identity.Position.Offset
	}

	return data
}

var errMarks = errors.New("the marks of the checkpoint are damaged")

// decode adds what encode has packed to the set.
func decode(data []byte, partition string, set map[Identity]bool) error {
	var last int64
	for len(data) > 0 {
		step, n := binary.Varint(data)
		if n <= 0 {
			return errMarks
		}
		size, m := binary.Uvarint(data[n:])
		if m <= 0 || size > uint64(len(data)-n-m) {
			return errMarks
		}
		last += step
		name := string(data[n+m : n+m+int(size)])
		set[Identity{Position: connector.Position{Partition: partition, Offset: last}, Name: name}] = true
		data = data[n+m+int(size):]
	}

	return nil
}

// byPartition groups identities, each group in the order of its offsets.
func byPartition(list []Identity) [][]Identity {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Identity) int {
		return cmp.Or(
			cmp.Compare(a.Position.Partition, b.Position.Partition),
			cmp.Compare(a.Position.Offset, b.Position.Offset), cmp.Compare(a.Name, b.Name))
	})
	var groups [][]Identity
	for len(list) > 0 {
		n := slices.IndexFunc(list, func(i Identity) bool { return i.Position.Partition != list[0].Position.Partition })
		if n < 0 {
			n = len(list)
		}
		groups, list = append(groups, list[:n]), list[n:]
	}

	return groups
}
