package links

import (
	"net"

	"fluxd/configs/strict"
)

// Metrics says where the robot's metrics are served, for Prometheus and other monitors.
type Metrics struct {
	Listen    string       `yaml:"listen" default:"none" doc:"address and port of /metrics and /healthz, such as 127.0.0.1:9101, or none; beyond loopback only with token_file and tls, or insecure"`
	Hosts     []string     `yaml:"hosts" doc:"further names and addresses under which they may be asked for, such as [robot.local]; this machine's address is always fine"`
	TokenFile string       `yaml:"token_file" doc:"file with a token of at least 16 characters; who asks must send it: Authorization: Bearer"`
	TLS       *Certificate `yaml:"tls" doc:"encryption: the metrics are at https://"`
	Insecure  bool         `yaml:"insecure" default:"false" doc:"true: serve the metrics beyond loopback without token_file and tls, so that others on the network can read what the robot does"`
}

// On reports whether metrics are served.
func (c Metrics) On() bool { return c.Listen != "" && c.Listen != none }

// Check checks where the metrics are served, and who can read them.
func (c *Metrics) Check(d *strict.Decoder, broker MQTT, page Dashboard) {
	if !d.Readable("metrics.listen") {
		return
	}
	checkHosts(d, "metrics.hosts", c.Hosts)
	if c.TLS != nil && c.Insecure {
		d.Fail("metrics.insecure", "with tls nothing is sent unencrypted: expected tls or insecure, not both")
	}
	if !c.On() {
		return
	}
	const listen = "metrics.listen"
	host, port, ok := splitAddress(c.Listen)
	same := func(other string) bool { return c.Listen == other && port != 0 }
	switch {
	case !ok:
		d.Fail(listen, "%q: expected an address and port, such as 127.0.0.1:9101, or none", strict.Shorten(c.Listen))
	case broker.Broker == "embedded" && same(broker.Listen):
		d.Fail(listen, "%q: the broker listens there (mqtt.listen): expected another port", strict.Shorten(c.Listen))
	case page.On() && same(page.Listen):
		d.Fail(listen, "%q: the page is there (dashboard.listen): expected another port", strict.Shorten(c.Listen))
	case host == "localhost" || net.ParseIP(host).IsLoopback() || c.Insecure:
	case !d.Readable("metrics.token_file", "metrics.tls", "metrics.insecure"):
	case c.TokenFile == "":
		d.Fail(listen, "%q: without a token anybody on the network could read what the robot does: expected 127.0.0.1 and a tunnel "+
			"(ssh -L), token_file and tls, or insecure: true", strict.Shorten(c.Listen))
	case c.TLS == nil:
		d.Fail(listen, "%q: without encryption others on the network can read the token: expected 127.0.0.1 and a tunnel (ssh -L), "+
			"tls, or insecure: true", strict.Shorten(c.Listen))
	}
}
