package netguard_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/millrace-go/millrace/connector/netguard"
)

// names answers every question for an IPv4 address with the next of its addresses.
type names struct {
	addresses []netip.Addr
	asked     atomic.Int32
}

func (n *names) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	go n.serve(far)

	return near, nil
}

func (n *names) serve(conn net.Conn) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		reply := n.reply(query)
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}

// reply is a message with the question of query and, where that is for type A, one answer.
func (n *names) reply(query []byte) []byte {
	end := 12
	for query[end] != 0 {
		end += int(query[end]) + 1
	}
	question := query[12 : end+5]
	reply := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
	if query[end+2] == 1 {
		at := n.addresses[int(n.asked.Add(1)-1)%len(n.addresses)].As4()
		reply[7] = 1
		reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		reply = append(reply, at[:]...)
	}

	return reply
}

// A name that first resolves to an address that may be reached, and then to one that may
// not, is reached once.
func TestRebinding(t *testing.T) {
	t.Parallel()
	reached := 0
	local := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
	defer local.Close()
	_, port, err := net.SplitHostPort(local.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	zone := &names{addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")}}
	guard := newGuard(t, netguard.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	dialer := &net.Dialer{Control: guard.Control, Resolver: &net.Resolver{PreferGo: true, Dial: zone.dial}}
	client := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
	for visit, refused := range []bool{false, true} {
		response, err := client.Get("http://rebind.example:" + port + "/")
		if err == nil {
			_ = response.Body.Close()
		}
		checkBlocked(t, "rebind.example", err, refused)
		if zone.asked.Load() != int32(visit+1) || reached != 1 {
			t.Errorf("visit %d: asked %d times, reached %d times", visit, zone.asked.Load(), reached)
		}
	}
}
