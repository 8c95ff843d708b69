package configs

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"fluxd/configs/strict"
)

// mqtt checks the broker and how fluxd connects to it.
func (v *validator) mqtt() {
	c := v.robot.MQTT
	if !v.Readable("mqtt.broker") {
		return
	}
	v.belongsToBroker(c)
	if v.Readable("mqtt.clients") && (c.Clients < 1 || c.Clients > 10_000) {
		v.Fail("mqtt.clients", "%d: expected 1 to 10000", c.Clients)
	}
	v.secured(c)
	v.fleet(c)
	switch c.Broker {
	case "none":
	case "embedded":
		v.embedded(c)
	default:
		v.external(c)
	}
}

// broker returns the broker for a message. It leaves out what stands before the host: it may be a password, and messages end up
// in logs.
func (c MQTT) broker() string {
	if at := strings.LastIndex(c.Broker, "@"); at >= 0 {
		return "..." + strict.Shorten(c.Broker[at:])
	}
	return strict.Shorten(c.Broker)
}

// belongsToBroker refuses keys that belong to another kind of broker.
func (v *validator) belongsToBroker(c MQTT) {
	if c.Broker != "embedded" {
		for key, there := range map[string]bool{"listen": v.Given("mqtt", "listen"), "passwords": c.Passwords != ""} {
			if there {
				v.Fail("mqtt."+key, "belongs to the embedded broker; this one is %s", c.broker())
			}
		}
	}
	if c.Broker == "embedded" || c.Broker == "none" {
		for key, value := range map[string]string{"user": c.User, "password_file": c.PasswordFile, "password_env": c.PasswordEnv} {
			if value != "" {
				v.Fail("mqtt."+key, "belongs to an external broker; this one is %s", c.Broker)
			}
		}
	}
	if c.PasswordFile != "" && c.PasswordEnv != "" {
		v.Fail("mqtt.password_env", "expected password_file or password_env, not both")
	}
}

// embedded checks where the robot's own broker listens.
func (v *validator) embedded(c MQTT) {
	host, port, err := net.SplitHostPort(c.Listen)
	number, wrong := strconv.ParseUint(port, 10, 16)
	open := c.Passwords == "" && (c.TLS == nil || c.TLS.CA == "")
	switch {
	case err != nil || wrong != nil || number > 65535:
		v.Fail("mqtt.listen", "%q: expected an address and port, such as 127.0.0.1:1883", strict.Shorten(c.Listen))
	case host != "localhost" && !net.ParseIP(host).IsLoopback() && open && v.Readable("mqtt.passwords", "mqtt.tls"):
		v.Fail("mqtt.listen", "%q: without passwords and client certificates the broker listens on this machine only: "+
			"expected 127.0.0.1, [::1] or localhost, or a file of passwords (fluxctl passwd)", strict.Shorten(c.Listen))
	}
}

// external checks the URL and user of an external broker.
func (v *validator) external(c MQTT) {
	u, err := url.Parse(c.Broker)
	if err != nil || u.Hostname() == "" || u.Port() == "" || u.Scheme != "tcp" && u.Scheme != "ssl" {
		v.Fail("mqtt.broker", "%q: expected embedded, none, tcp://host:1883 or ssl://host:8883", c.broker())
	} else if u.User != nil {
		v.Fail("mqtt.broker", "a URL must not hold a password: expected user and password_file")
	}
	if c.PasswordFile+c.PasswordEnv != "" && c.User == "" && v.Readable("mqtt.user") {
		v.Fail("mqtt", "user is missing: the user whose password it is")
	}
}

// fleet checks how the embedded broker connects to a NATS cluster.
func (v *validator) fleet(c MQTT) {
	f := c.Fleet
	if f == nil || !v.Readable("mqtt.fleet", "mqtt.fleet.url") {
		return
	}
	u, err := url.Parse(f.URL)
	switch {
	case c.Broker != "embedded":
		v.Fail("mqtt.fleet", "belongs to the embedded broker: connect an external broker to the cluster instead")
	case err != nil || u.Hostname() == "" || u.Port() == "" || u.Scheme != "tls" && u.Scheme != "nats":
		v.Fail("mqtt.fleet.url", "%q: expected tls://host:7422, or nats://host:7422 without TLS", strict.Shorten(f.URL))
	case u.User != nil:
		v.Fail("mqtt.fleet.url", "a URL must not hold a password: expected user and password_file")
	case (f.User == "") != (f.PasswordFile == ""):
		v.Fail("mqtt.fleet", "expected user and password_file, or neither")
	case u.Scheme == "nats" && f.CA != "":
		v.Fail("mqtt.fleet.ca", "the connection to %s is not encrypted: expected tls://", strict.Shorten(f.URL))
	case u.Scheme == "nats" && f.User != "" && u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback():
		v.Fail("mqtt.fleet.url", "%q: the password would be sent unencrypted: expected tls://", strict.Shorten(f.URL))
	}
}

// secured checks which TLS files are given.
func (v *validator) secured(c MQTT) {
	t := c.TLS
	if t == nil || !v.Readable("mqtt.tls", "mqtt.tls.certificate", "mqtt.tls.key") {
		return
	}
	switch {
	case c.Broker == "none":
		v.Fail("mqtt.tls", "with broker: none there is no connection to encrypt")
	case (t.Certificate == "") != (t.Key == ""):
		v.Fail("mqtt.tls", "expected certificate and key, or neither")
	case c.Broker == "embedded" && t.Certificate == "":
		v.Fail("mqtt.tls", "certificate and key are missing: the embedded broker shows them to its clients")
	case c.Broker == "embedded" && t.ServerName != "":
		v.Fail("mqtt.tls.server_name", "belongs to an external broker; this one is embedded")
	case strings.HasPrefix(c.Broker, "tcp:"):
		v.Fail("mqtt.tls", "the connection to %s is not encrypted: expected ssl://", strict.Shorten(c.Broker))
	}
}
