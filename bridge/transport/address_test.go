package transport

import (
	"net"
	"testing"
)

// The address that others most probably reach comes first: IPv4, and neither loopback nor one of a single link.
func TestBestAddress(t *testing.T) {
	for _, c := range []struct {
		all  []string
		want string
	}{
		{nil, ""},
		{[]string{"127.0.0.1/8", "::1/128", "fe80::1/64", "169.254.3.4/16"}, ""},
		{[]string{"127.0.0.1/8", "2001:db8::7/64", "192.168.1.7/24", "10.0.0.7/8"}, "192.168.1.7"},
		{[]string{"::1/128", "fe80::1/64", "2001:db8::7/64"}, "2001:db8::7"},
	} {
		var all []net.Addr
		for _, one := range c.all {
			ip, network, err := net.ParseCIDR(one)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, &net.IPNet{IP: ip, Mask: network.Mask})
		}
		if got := best(append(all, &net.UnixAddr{Name: "x"})); got != c.want {
			t.Errorf("%v: %q, want %q", c.all, got, c.want)
		}
	}
}
