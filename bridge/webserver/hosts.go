package webserver

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// hosts are the names under which the server may be asked.
type hosts struct {
	names  map[string]bool
	secure bool
	key    string // of the robot file, for more names
}

func newHosts(o Options) hosts {
	h := hosts{names: map[string]bool{"localhost": true}, secure: o.TLS != (TLS{}), key: o.Name + ".hosts"}
	host, _, _ := net.SplitHostPort(o.Listen) // checked before
	for _, name := range append([]string{host}, o.Hosts...) {
		if name != "" {
			h.names[plain(name)] = true
		}
	}
	return h
}

// plain returns one form for each name: DNS does not distinguish upper case, and a name may end in a dot.
func plain(name string) string {
	if ip, err := netip.ParseAddr(name); err == nil {
		return ip.Unmap().String()
	}
	return strings.ToLower(strings.TrimSuffix(name, "."))
}

// check returns an error if the server was asked under a name that is not its own. The port may be any: a tunnel changes it. An
// address is fine if it is that of this machine, since a browser that goes there asks nobody what it means.
func (h hosts) check(r *http.Request) error {
	name, port, err := net.SplitHostPort(r.Host)
	if err != nil { // without a port
		name, port = strings.Trim(r.Host, "[]"), "80"
	}
	_, err = strconv.ParseUint(port, 10, 16)
	name = plain(name)
	ip, notAddress := netip.ParseAddr(name)
	switch {
	case err != nil:
	case h.names[name]:
		return nil
	case notAddress == nil && (ip.IsLoopback() || name == reachedAt(r)):
		return nil
	}
	return fmt.Errorf("host %.100q: expected localhost, this machine's address, or one of %s in the robot file", r.Host, h.key)
}

// reachedAt returns the address of this machine that a client has connected to.
func reachedAt(r *http.Request) string {
	local, is := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !is {
		return ""
	}
	at, err := netip.ParseAddrPort(local.String())
	if err != nil {
		return ""
	}
	return at.Addr().Unmap().WithZone("").String()
}

// checkOrigin returns an error unless the page that asks came from this server. Browsers always say where a page came from; MQTT
// clients that are none connect to the broker itself. Without TLS here, a proxy before this server may have it.
func (h hosts) checkOrigin(r *http.Request) error {
	all := r.Header["Origin"]
	if len(all) == 1 && (strings.EqualFold(all[0], "https://"+r.Host) || !h.secure && strings.EqualFold(all[0], "http://"+r.Host)) {
		return nil
	}
	return fmt.Errorf("origin %.100q: expected the page of this server", strings.Join(all, ", "))
}
