// Package netguard keeps a program from being used as a way into its own network: a
// [Guard] refuses connections to addresses that are not on the public internet.
//
// A URL that a user supplies, or that comes with a message, can name the program's own
// host, its neighbours, or the metadata service of its cloud. Checking the name is not
// enough: it can resolve to any address, to another one the next time, and a redirect can
// name a new one. A Guard therefore checks the address of each connection, after the name
// was resolved and before the first packet is sent:
//
//	guard, err := netguard.New(netguard.Config{})
//	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: guard.Control}
//	transport := &http.Transport{DialContext: dialer.DialContext}
//
// A transport with a guard must have no proxy: the proxy would resolve and connect.
// Package httpconn does this by itself where an address comes with a message.
//
// # What is refused
//
// Of IPv4: this host (0.0.0.0/8), loopback, private, shared (100.64.0.0/10), link-local
// with the metadata services, protocol assignments, documentation, benchmarking, the 6to4
// relay, multicast, reserved and broadcast addresses, and 168.63.129.16, the metadata
// service of Azure. Of IPv6: everything outside of 2000::/3, which leaves out loopback,
// unspecified, unique local, link-local and multicast addresses, and inside of it protocol
// assignments with Teredo, documentation, and 6to4. An IPv4 address inside of an IPv6 one
// (IPv4-mapped, or NAT64 under 64:ff9b::/96) is judged as IPv4.
//
// A Guard is safe for concurrent use.
package netguard
