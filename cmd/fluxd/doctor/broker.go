package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// broker says whether the robot's own servers can listen, or its broker is reached.
func (p *patient) broker(ctx context.Context) (all []Finding) {
	if p.Config == nil {
		return nil
	}
	switch broker := p.Config.MQTT.Broker; broker {
	case "none":
		all = append(all, Finding{"broker-none", OK, "broker", "the robot has no broker: fluxctl cannot reach it", ""})
	case "embedded":
		all = append(all, p.port("broker", p.Config.MQTT.Listen))
	default:
		all = append(all, p.external(ctx, broker))
	}
	if p.Config.Dashboard.On() {
		all = append(all, p.port("dashboard", p.Config.Dashboard.Listen))
	}
	if p.Config.Metrics.On() {
		all = append(all, p.port("metrics", p.Config.Metrics.Listen))
	}
	return all
}

// external connects to a broker, and says nothing to it.
func (p *patient) external(ctx context.Context, broker string) Finding {
	u, err := url.Parse(broker)
	if err != nil || u.Hostname() == "" {
		return Finding{"broker-unreachable", Problem, "broker", "its address cannot be read", "fluxd check " + p.Robot}
	}
	port := u.Port()
	if port == "" {
		port = map[bool]string{true: "8883", false: "1883"}[slices.Contains([]string{"ssl", "tls", "mqtts"}, u.Scheme)]
	}
	address := net.JoinHostPort(u.Hostname(), port)
	err = p.System.Connect(ctx, address)
	var unknown *net.DNSError
	switch {
	case err == nil:
		return Finding{"broker-reachable", OK, "broker", address + " answers", ""}
	case errors.As(err, &unknown):
		return Finding{"broker-unresolved", Problem, "broker", fmt.Sprintf("no address is known for %s: %v", u.Hostname(), err),
			"check the name, and the network: getent hosts " + u.Hostname()}
	}
	return Finding{"broker-unreachable", Problem, "broker", fmt.Sprintf("%s: %v", address, err),
		fmt.Sprintf("is the broker running, and does its firewall let port %s through? nc -vz %s %s", port, u.Hostname(), port)}
}

// port says whether a server can listen at an address. It only reads who listens.
func (p *patient) port(what, listen string) Finding {
	host, text, err := net.SplitHostPort(listen)
	number, wrong := strconv.Atoi(text)
	if err != nil || wrong != nil {
		return Finding{what + "-address", Problem, what, fmt.Sprintf("%q: expected an address and a port", listen), "fluxd check " +
			p.Robot}
	}
	if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() && !ip.IsLoopback() &&
		!slices.Contains(p.System.Addresses(), ip.String()) {
		return Finding{what + "-address", Problem, what, fmt.Sprintf("%s is no address of this machine, which has %s", host,
			strings.Join(p.System.Addresses(), ", ")), "write one of these, or 0.0.0.0 for all"}
	}
	if text, err := p.read("/proc/sys/net/ipv4/ip_unprivileged_port_start"); err == nil && p.users[0].uid != 0 {
		if first, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && number > 0 && number < first {
			return Finding{what + "-port-privileged", Problem, what, fmt.Sprintf("port %d is below %d, which only root may use", number,
				first), fmt.Sprintf("use a port from %d on", first)}
		}
	}
	inode, taken := p.listener(host, number)
	if !taken {
		return Finding{what + "-port", OK, what, listen + " is free", ""}
	}
	pid, name := p.holder(inode)
	for _, one := range p.running {
		if pid == one.pid || name == "fluxd" || name == "" && one.robot != "" && sameFile(one.robot, p.Robot) {
			return Finding{what + "-port", OK, what, fmt.Sprintf("%s is in use by a robot that runs (process %d)", listen, one.pid), ""}
		}
	}
	by := "another program"
	if name != "" {
		by = fmt.Sprintf("%s (process %d)", name, pid)
	}
	return Finding{what + "-port-taken", Warning, what, fmt.Sprintf("%s has %s: the robot would take a free one", by, listen),
		fmt.Sprintf("sudo ss -ltnp 'sport = :%d' shows who has it: end that, or use another port", number)}
}

// sameFile compares two names of a robot file.
func sameFile(one, other string) bool {
	return filepath.Base(one) == filepath.Base(other)
}

// listener finds who listens at a port: the inode of the socket. Source: proc(5), /proc/net/tcp.
func (p *patient) listener(host string, port int) (inode string, taken bool) {
	all := net.ParseIP(host) == nil || net.ParseIP(host).IsUnspecified()
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, _ := p.read(file)
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) < 10 || f[3] != "0A" { // listening
				continue
			}
			address, at, _ := strings.Cut(f[1], ":")
			if n, err := strconv.ParseUint(at, 16, 16); err != nil || int(n) != port {
				continue
			}
			if has := address4(address); all || has == host || has == "0.0.0.0" || has == "" &&
				(strings.Trim(address, "0") == "" || strings.Contains(host, ":")) {
				return f[9], true
			}
		}
	}
	return "", false
}

// address4 reads an IPv4 address of /proc/net/tcp, whose bytes are in the order of a little-endian machine; "" for IPv6.
func address4(text string) string {
	n, err := strconv.ParseUint(text, 16, 32)
	if err != nil || len(text) != 8 {
		return ""
	}
	return net.IPv4(byte(n), byte(n>>8), byte(n>>16), byte(n>>24)).String()
}

// holder finds the process with a socket, as far as this user may see it.
func (p *patient) holder(inode string) (pid int, name string) {
	for _, file := range p.find("/proc/[0-9]*/fd/*") {
		if target, err := os.Readlink(p.at(file)); err == nil && target == "socket:["+inode+"]" {
			folder := filepath.Dir(filepath.Dir(file))
			pid, _ = strconv.Atoi(filepath.Base(folder))
			text, _ := p.read(folder + "/comm")
			return pid, strings.TrimSpace(string(text))
		}
	}
	return 0, ""
}
