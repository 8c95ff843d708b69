package transport

import (
	"net"
	"net/netip"
	"slices"
	"sync"
)

// addressEvery is how often the address is asked for, in milliseconds: a robot moves from one network to another.
const addressEvery = 30_000

// Address is an IP address of this machine. The zero value is ready. It may be used from any goroutine.
type Address struct {
	mutex sync.Mutex
	text  string
	at    int64 // when it was asked for, in milliseconds since 1970
}

// Now returns the address at a time in milliseconds since 1970; "" without a network.
func (a *Address) Now(at int64) string {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.at == 0 || at-a.at >= addressEvery || at < a.at {
		a.at, a.text = at, ""
		if all, err := net.InterfaceAddrs(); err == nil { // otherwise it is unknown
			a.text = best(all)
		}
	}
	return a.text
}

// best returns the address that others most probably reach: IPv4 first, and none of loopback or of a single link.
func best(all []net.Addr) string {
	var good []netip.Addr
	for _, one := range all {
		prefix, err := netip.ParsePrefix(one.String())
		if err == nil && prefix.Addr().IsGlobalUnicast() {
			good = append(good, prefix.Addr().Unmap())
		}
	}
	if len(good) == 0 {
		return ""
	}
	i := max(0, slices.IndexFunc(good, netip.Addr.Is4))
	return good[i].String()
}
