package links

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"fluxd/configs/strict"
)

// Dashboard says where the robot's page is served.
type Dashboard struct {
	Listen   string       `yaml:"listen" doc:"address and port of the page, or none; beyond loopback only with users of the broker, and tls or insecure. Absent: 127.0.0.1:8080 on the simulated board, none on a real one"`
	Hosts    []string     `yaml:"hosts" doc:"further names and addresses under which the page may be opened, such as [robot.local]; this machine's address is always fine"`
	TLS      *Certificate `yaml:"tls" doc:"encryption: the page is at https://"`
	Insecure bool         `yaml:"insecure" default:"false" doc:"true: serve the page beyond loopback without tls, so that others on the network can read passwords"`
}

// Certificate names the files of a server with TLS, PEM-encoded.
type Certificate struct {
	Certificate string `yaml:"certificate" required:"true" doc:"file of the certificate, for the name under which the page is opened"`
	Key         string `yaml:"key" required:"true" doc:"file of its key"`
}

const (
	// none is the value of listen without a page.
	none = "none"
	// defaultListen is where the page of a simulated robot is.
	defaultListen = "127.0.0.1:8080"
	// mostHosts bounds Hosts.
	mostHosts = 20
)

// On reports whether there is a page.
func (c Dashboard) On() bool { return c.Listen != "" && c.Listen != none }

// Check checks where the page is served, and sets Listen if the file does not have it.
func (c *Dashboard) Check(d *strict.Decoder, broker MQTT, simulated bool) {
	if !d.Readable("dashboard.listen", "mqtt.broker") {
		return
	}
	if c.Listen == "" {
		c.Listen = none
		if simulated && broker.Broker != "none" && broker.asksForCertificates() == "" {
			c.Listen = defaultListen
		}
	}
	checkHosts(d, "dashboard.hosts", c.Hosts)
	if c.TLS != nil && c.Insecure {
		d.Fail("dashboard.insecure", "with tls nothing is sent unencrypted: expected tls or insecure, not both")
	}
	if c.On() {
		c.reached(d, broker)
	}
}

// Login reports whether the page must ask for a user and a password.
func (c MQTT) Login() bool { return c.Passwords != "" || c.User != "" }

// asksForCertificates returns the key because of which the broker's clients need certificates; "" if they do not.
func (c MQTT) asksForCertificates() string {
	switch {
	case c.TLS == nil:
	case c.Broker == "embedded" && c.TLS.CA != "":
		return "mqtt.tls.ca"
	case c.Broker != "embedded" && c.TLS.Certificate != "":
		return "mqtt.tls.certificate"
	}
	return ""
}

// reached checks who can reach the page, and what they can do then.
func (c *Dashboard) reached(d *strict.Decoder, broker MQTT) {
	const listen = "dashboard.listen"
	host, port, ok := splitAddress(c.Listen)
	beyond := host != "localhost" && !net.ParseIP(host).IsLoopback()
	same := broker.Broker == "embedded" && c.Listen == broker.Listen && port != 0
	certificates := broker.asksForCertificates()
	switch {
	case !ok:
		d.Fail(listen, "%q: expected an address and port, such as %s, or none", strict.Shorten(c.Listen), defaultListen)
	case broker.Broker == "none":
		d.Fail(listen, "%q: the page reaches the robot through its broker, and this robot has none (mqtt.broker): expected none",
			strict.Shorten(c.Listen))
	case same:
		d.Fail(listen, "%q: the broker listens there (mqtt.listen): expected another port", strict.Shorten(c.Listen))
	case certificates != "" && d.Readable("mqtt.tls"):
		d.Fail(listen, "%q: the broker's clients show certificates (%s), and a page cannot: expected none, or users instead of "+
			"certificates",
			strict.Shorten(c.Listen), certificates)
	case beyond && !broker.Login() && d.Readable("mqtt.passwords", "mqtt.user"):
		instead := "a file of passwords (mqtt.passwords, made by fluxctl passwd)"
		if broker.Broker != "embedded" {
			instead = "a broker with users (mqtt.user)"
		}
		d.Fail(listen, "%q: without users anybody on the network could drive the robot: expected 127.0.0.1, [::1] or localhost, or %s",
			strict.Shorten(c.Listen), instead)
	case beyond && c.TLS == nil && !c.Insecure && d.Readable("dashboard.tls", "dashboard.insecure"):
		d.Fail(listen, "%q: without encryption others on the network can read passwords: expected 127.0.0.1 and a tunnel "+
			"(ssh -L), tls, or insecure: true", strict.Shorten(c.Listen))
	}
}

// splitAddress splits an address and port.
func splitAddress(listen string) (host string, port int, ok bool) {
	host, text, err := net.SplitHostPort(listen)
	number, wrong := strconv.ParseUint(text, 10, 16)
	return host, int(number), err == nil && wrong == nil
}

// checkHosts checks the names of a server.
func checkHosts(d *strict.Decoder, path string, names []string) {
	if len(names) > mostHosts {
		d.Fail(path, "%d: expected at most %d", len(names), mostHosts)
		return
	}
	for i, name := range names {
		if _, err := netip.ParseAddr(name); err != nil && !isHostName(name) {
			d.Fail(fmt.Sprintf("%s[%d]", path, i), "%q: expected a name or an address without a port, such as robot.local",
				strict.Shorten(name))
		}
	}
}

// isHostName reports whether a text can be the name of a host: letters, digits, hyphens and dots.
func isHostName(name string) bool {
	for _, label := range strings.Split(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, c := range label {
			if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	return len(name) <= 253
}
