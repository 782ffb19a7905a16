package httpconn

import (
	"testing"

	"github.com/millrace-go/millrace/connector/netguard"
)

// A proxy would connect to what the guard refuses.
func TestGuardedTransportHasNoProxy(t *testing.T) {
	t.Parallel()
	guard, err := netguard.New(netguard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if newTransport(clientLimits{maxConns: 1, guard: guard}).Proxy != nil {
		t.Error("a guarded transport has a proxy")
	}
	if newTransport(clientLimits{maxConns: 1}).Proxy == nil {
		t.Error("a transport without a guard ignores the proxy of the environment")
	}
}
