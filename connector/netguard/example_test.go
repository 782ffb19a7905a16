package netguard_test

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/millrace-go/millrace/connector/netguard"
)

// A service fetches what its users name.
func Example() {
	guard, err := netguard.New(netguard.Config{})
	if err != nil {
		panic(err)
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: guard.Control}
	client := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}}
	_, err = client.Get("http://169.254.169.254/latest/meta-data/")
	fmt.Println(err)
	// Output:
	// Get "http://169.254.169.254/latest/meta-data/": dial tcp 169.254.169.254:80: netguard: no connection to 169.254.169.254: it is link-local, and the metadata service of clouds
}

// One service of your own may be named too.
func ExampleNew() {
	guard, err := netguard.New(netguard.Config{Allow: []netip.Prefix{netip.MustParsePrefix("10.1.2.3/32")}})
	if err != nil {
		panic(err)
	}
	fmt.Println(guard.Check(netip.MustParseAddr("10.1.2.3")))
	fmt.Println(guard.Check(netip.MustParseAddr("10.1.2.4")))
	// Output:
	// <nil>
	// netguard: no connection to 10.1.2.4: it is private
}
