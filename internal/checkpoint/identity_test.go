package checkpoint

import (
	"bytes"
	"maps"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

func TestIdentityOf(t *testing.T) {
	at := connector.Position{Partition: "orders", Offset: 7}
	whole := connector.NewMessage(1, connector.Fields{Position: at})
	for name, c := range map[string]struct {
		meta *connector.Meta
		want Identity
	}{
		"whole": {whole.Meta, Identity{Position: at}},
		"part":  {whole.Part(2), Identity{Position: at, Name: "orders:7/2"}},
		"named": {whole.WithID("x"), Identity{Position: at, Name: "x"}},
	} {
		if got := IdentityOf(c.meta); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestByPartition(t *testing.T) {
	id := func(partition string, offset int64, name string) Identity {
		return Identity{Position: connector.Position{Partition: partition, Offset: offset}, Name: name}
	}
	list := []Identity{id("b", 1, ""), id("a", 9, ""), id("a", -3, "y"), id("a", -3, "x")}
	groups := byPartition(list)
	if len(groups) != 2 || len(groups[0]) != 3 || groups[0][0] != id("a", -3, "x") || groups[0][2] != id("a", 9, "") || groups[1][0] != list[0] {
		t.Errorf("groups %v", groups)
	}
	found, want := map[Identity]bool{}, map[Identity]bool{}
	for _, group := range groups {
		if err := decode(encode(group), group[0].Position.Partition, found); err != nil {
			t.Error(err)
		}
	}
	for _, identity := range list {
		want[identity] = true
	}
	if !maps.Equal(found, want) {
		t.Errorf("decoded %v, want %v", found, want)
	}
}

// Damaged marks are an error, and what is read is written the same again.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add(encode([]Identity{{Position: connector.Position{Offset: 1}}, {Position: connector.Position{Offset: 300}, Name: "n"}}))
	f.Add([]byte{2, 200})
	f.Add(bytes.Repeat([]byte{0xff}, 12))
	f.Fuzz(func(t *testing.T, data []byte) {
		set := make(map[Identity]bool)
		if decode(data, "p", set) != nil {
			return
		}
		again, list := make(map[Identity]bool), []Identity(nil)
		for identity := range set {
			list = append(list, identity)
		}
		for _, group := range byPartition(list) {
			if err := decode(encode(group), "p", again); err != nil {
				t.Fatal(err)
			}
		}
		if !maps.Equal(set, again) {
			t.Errorf("%v became %v", set, again)
		}
	})
}
