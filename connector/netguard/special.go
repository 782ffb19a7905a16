package netguard

import "net/netip"

// kind is a prefix that is not public, and what it is for.
type kind struct {
	prefix netip.Prefix
	why    string
}

// specials are the prefixes of the IANA registries of special-purpose addresses that are
// not globally reachable, or that lead to another address.
var specials = []kind{
	of("0.0.0.0/8", "it is this host"),
	of("10.0.0.0/8", "it is private"),
	of("100.64.0.0/10", "it is shared by carriers, and the metadata service of a cloud"),
	of("127.0.0.0/8", "it is loopback"),
	of("168.63.129.16/32", "it is the metadata service of a cloud"),
	of("169.254.0.0/16", "it is link-local, and the metadata service of clouds"),
	of("172.16.0.0/12", "it is private"),
	of("192.0.0.0/24", "it is for protocols, and the metadata service of a cloud"),
	of("192.0.2.0/24", "it is for documentation"),
	of("192.88.99.0/24", "it is the relay of 6to4"),
	of("192.168.0.0/16", "it is private"),
	of("198.18.0.0/15", "it is for benchmarks"),
	of("198.51.100.0/24", "it is for documentation"),
	of("203.0.113.0/24", "it is for documentation"),
	of("224.0.0.0/4", "it is multicast"),
	of("240.0.0.0/4", "it is reserved"),

	of("2001::/23", "it is for protocols, such as Teredo"),
	of("2001:db8::/32", "it is for documentation"),
	of("2002::/16", "it is 6to4, which leads to an address of IPv4"),
	of("3fff::/20", "it is for documentation"),
}

var (
	global = netip.MustParsePrefix("2000::/3")
	nat64  = netip.MustParsePrefix("64:ff9b::/96")
)

func of(prefix, why string) kind { return kind{netip.MustParsePrefix(prefix), why} }

// embedded returns the IPv4 address that addr stands for, or else addr.
func embedded(addr netip.Addr) netip.Addr {
	if nat64.Contains(addr) {
		bytes := addr.As16()

		return netip.AddrFrom4([4]byte(bytes[12:]))
	}

	return addr.Unmap()
}

// special says why addr is not public; empty when it is.
func special(addr netip.Addr) string {
	if !addr.IsValid() {
		return "it is no address"
	}
	for _, s := range specials {
		if s.prefix.Contains(addr) {
			return s.why
		}
	}
	if addr.Is6() && !global.Contains(addr) {
		return "it is not a global unicast address"
	}

	return ""
}
