package netguard

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"github.com/millrace-go/millrace/connector"
)

// Config says what a [Guard] lets through besides the public internet, and what it
// refuses of it. The zero value is for addresses that anyone may supply.
type Config struct {
	// Allow lists addresses that are let through although they are not public, such as a
	// service of your own. Default none.
	Allow []netip.Prefix
	// Deny lists further addresses to refuse. It wins over Allow. Default none.
	Deny []netip.Prefix
}

// Guard refuses connections to addresses that are not public. Make one with [New].
type Guard struct {
	allow, deny []netip.Prefix
}

// New returns a guard, or all errors of the configuration.
func New(config Config) (*Guard, error) {
	allow, allowErr := plain("Allow", config.Allow)
	deny, denyErr := plain("Deny", config.Deny)
	if err := errors.Join(allowErr, denyErr); err != nil {
		return nil, fmt.Errorf("netguard: %w", err)
	}

	return &Guard{allow: allow, deny: deny}, nil
}

// plain checks the prefixes. One of IPv4-mapped addresses would never match.
func plain(field string, prefixes []netip.Prefix) ([]netip.Prefix, error) {
	var errs []error
	for i, p := range prefixes {
		if !p.IsValid() || p.Addr().Is4In6() {
			errs = append(errs, fmt.Errorf("prefix %s[%d], %q: give a valid prefix, of IPv4 as such", field, i, p))
		}
	}

	return slices.Clone(prefixes), errors.Join(errs...)
}

// BlockedError says that a connection was refused because of its address.
type BlockedError struct {
	// Address is what would have been connected to, as far as it is an address at all.
	Address string
	// Why names the kind of address.
	Why string
}

// Error names the address and why it is refused.
func (e *BlockedError) Error() string {
	return fmt.Sprintf("netguard: no connection to %s: %s", e.Address, e.Why)
}

// Control is for net.Dialer.Control. It returns a permanent *[BlockedError] for an
// address that is refused.
func (g *Guard) Control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return blocked(address, "it is not an address of IPv4 or IPv6 and a port")
	}

	return g.Check(to.Addr())
}

// Check returns a permanent *[BlockedError] for an address that is refused.
func (g *Guard) Check(addr netip.Addr) error {
	addr = embedded(addr.WithZone(""))
	if within(g.deny, addr) {
		return blocked(addr.String(), "it is denied by the configuration")
	}
	if within(g.allow, addr) {
		return nil
	}
	if why := special(addr); why != "" {
		return blocked(addr.String(), why)
	}

	return nil
}

func blocked(address, why string) error {
	return connector.Permanent(&BlockedError{Address: address, Why: why})
}

func within(prefixes []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}
