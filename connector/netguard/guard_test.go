package netguard_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/netguard"
)

func newGuard(t testing.TB, config netguard.Config) *netguard.Guard {
	t.Helper()
	guard, err := netguard.New(config)
	if err != nil {
		t.Fatal(err)
	}

	return guard
}

// The first and the last address of each prefix are refused, and the neighbours outside
// of it are not, where they are public.
func TestCheck(t *testing.T) {
	t.Parallel()
	guard := newGuard(t, netguard.Config{})
	for list, refused := range map[string]bool{
		"0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.100.100.200 100.127.255.255": true,
		"127.0.0.0 127.0.0.1 127.255.255.255 168.63.129.16 169.254.0.0 169.254.169.254":            true,
		"169.254.255.255 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.192 192.0.0.255 192.0.2.0":    true,
		"192.0.2.255 192.88.99.0 192.88.99.255 192.168.0.0 192.168.255.255 198.18.0.0":             true,
		"198.19.255.255 198.51.100.0 198.51.100.255 203.0.113.0 203.0.113.255 224.0.0.0":           true,
		"239.255.255.255 240.0.0.0 255.255.255.255":                                                true,
		":: ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 64:ff9b::127.0.0.1":                   true,
		"64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1":             true,
		"fe80::1%eth0 febf::1 fec0::1 ff02::1 2001::1 2001:1ff::1 2001:db8::1 2002:7f00:1::1":      true,
		"2002:808:808::1 3fff::1 3fff:fff::1 4000::1 1fff::1":                                      true,
		"1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0":      false,
		"168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0":        false,
		"191.255.255.255 192.0.1.0 192.0.3.0 192.88.98.255 192.88.100.0 192.167.255.255":           false,
		"192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255":           false,
		"203.0.114.0 223.255.255.255 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2000::1 2001:200::1":          false,
		"2001:4860:4860::8888 2003::1 2606:4700::1111 3ffe::1 3fff:1000::1":                        false,
	} {
		for text := range strings.FieldsSeq(list) {
			err := guard.Check(netip.MustParseAddr(text))
			checkBlocked(t, text, err, refused)
			err = guard.Control("tcp", netip.AddrPortFrom(netip.MustParseAddr(text), 443).String(), nil)
			checkBlocked(t, text, err, refused)
		}
	}
	checkBlocked(t, "the zero address", guard.Check(netip.Addr{}), true)
	for _, address := range []string{"", "8.8.8.8", "/run/docker.sock", "localhost:80", "8.8.8.8:http"} {
		checkBlocked(t, address, guard.Control("unix", address, nil), true)
	}
}

func checkBlocked(t *testing.T, address string, err error, want bool) {
	t.Helper()
	blocked, is := errors.AsType[*netguard.BlockedError](err)
	if (err != nil) != want || is != want {
		t.Errorf("%s: %v", address, err)
	}
	if is && (connector.ClassOf(err) != connector.ClassPermanent || blocked.Why == "" || !strings.Contains(err.Error(), blocked.Why)) {
		t.Errorf("%s: class %s, %v", address, connector.ClassOf(err), err)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	guard := newGuard(t, netguard.Config{
		Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")},
		Deny:  []netip.Prefix{netip.MustParsePrefix("10.1.2.0/24"), netip.MustParsePrefix("8.8.8.8/32")},
	})
	for text, refused := range map[string]bool{
		"10.1.0.1": false, "::ffff:10.1.0.1": false, "64:ff9b::10.1.0.1": false, "fd00::1": false,
		"10.2.0.1": true, "10.1.2.3": true, "8.8.8.8": true, "::ffff:8.8.8.8": true, "8.8.4.4": false,
	} {
		checkBlocked(t, text, guard.Check(netip.MustParseAddr(text)), refused)
	}
	_, err := netguard.New(netguard.Config{
		Allow: []netip.Prefix{{}}, Deny: []netip.Prefix{netip.MustParsePrefix("::ffff:10.0.0.0/104")},
	})
	for _, want := range []string{"prefix Allow[0]", "prefix Deny[0]"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

// guarded is a client whose connections the guard checks.
func guarded(guard *netguard.Guard) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: guard.Control}

	return &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
}

// However a local server is named, and whoever names it, it gets no connection.
func TestClient(t *testing.T) {
	t.Parallel()
	reached := 0
	local := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached++
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
		}
	}))
	defer local.Close()
	port := strconv.Itoa(local.Listener.Addr().(*net.TCPAddr).Port)
	at := func(host string) string { return "http://" + net.JoinHostPort(host, port) + "/" }
	client := guarded(newGuard(t, netguard.Config{}))
	for _, host := range []string{"127.0.0.1", "localhost", "0.0.0.0", "::", "::1", "::ffff:127.0.0.1", "127.0.0.2"} {
		response, err := client.Get(at(host))
		if err == nil {
			_ = response.Body.Close()
		}
		checkBlocked(t, host, err, true)
	}
	if reached > 0 {
		t.Errorf("the server was reached %d times", reached)
	}

	// A server that may be reached cannot lead the client on.
	client = guarded(newGuard(t, netguard.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}))
	response, err := client.Get(at("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	_, err = client.Get(at("127.0.0.1") + "?to=" + at("127.0.0.2"))
	checkBlocked(t, "redirect", err, true)
	if reached != 2 {
		t.Errorf("the server was reached %d times, want twice", reached)
	}
}

// FuzzCheck takes any address: the standard library's view of what is internal is
// refused, in each of its forms.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "8.8.8.8", "fe80::1%1"} {
		f.Add(seed)
	}
	guard, err := netguard.New(netguard.Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return
		}
		plain := addr.Unmap()
		internal := plain.IsLoopback() || plain.IsPrivate() || plain.IsLinkLocalUnicast() || plain.IsMulticast() || plain.IsUnspecified()
		refused := guard.Check(addr) != nil
		if internal && !refused {
			t.Errorf("%s is let through", addr)
		}
		if plain.Is4() {
			bytes := plain.As4()
			inside := netip.AddrFrom16([16]byte{0, 0x64, 0xff, 0x9b, 12: bytes[0], bytes[1], bytes[2], bytes[3]})
			if (guard.Check(inside) != nil) != refused {
				t.Errorf("%s and %s are judged differently", plain, inside)
			}
		}
	})
}
