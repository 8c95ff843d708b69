package configs

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"fluxd/configs/strict"
)

// mqtt checks how the robot is reached.
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

// broker is that of a message. What stands before the host may be a password, and messages end up in logs.
func (c MQTT) broker() string {
	if at := strings.LastIndex(c.Broker, "@"); at >= 0 {
		return "..." + strict.Shorten(c.Broker[at:])
	}
	return strict.Shorten(c.Broker)
}

// belongsToBroker refuses what another sort of broker has.
func (v *validator) belongsToBroker(c MQTT) {
	if c.Broker != "embedded" {
		for key, there := range map[string]bool{"listen": v.Says("mqtt", "listen"), "passwords": c.Passwords != ""} {
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
		v.Fail("mqtt.listen", "%q: nobody would have to log in, so it listens on this machine only: expected 127.0.0.1, [::1] or localhost, or a file of passwords (fluxctl passwd)", strict.Shorten(c.Listen))
	}
}

// external checks how another broker is reached.
func (v *validator) external(c MQTT) {
	u, err := url.Parse(c.Broker)
	if err != nil || u.Hostname() == "" || u.Port() == "" || u.Scheme != "tcp" && u.Scheme != "ssl" {
		v.Fail("mqtt.broker", "%q: expected embedded, none, tcp://host:1883 or ssl://host:8883", c.broker())
	} else if u.User != nil {
		v.Fail("mqtt.broker", "a password does not belong into the URL: expected user and password_file")
	}
	if c.PasswordFile+c.PasswordEnv != "" && c.User == "" && v.Readable("mqtt.user") {
		v.Fail("mqtt", "user is missing: the password is whose?")
	}
}

// fleet checks how the embedded broker joins a cluster.
func (v *validator) fleet(c MQTT) {
	f := c.Fleet
	if f == nil || !v.Readable("mqtt.fleet", "mqtt.fleet.url") {
		return
	}
	u, err := url.Parse(f.URL)
	switch {
	case c.Broker != "embedded":
		v.Fail("mqtt.fleet", "belongs to the embedded broker: at an external one the robot is reached anyway")
	case err != nil || u.Hostname() == "" || u.Port() == "" || u.Scheme != "tls" && u.Scheme != "nats":
		v.Fail("mqtt.fleet.url", "%q: expected tls://host:7422, or nats://host:7422 without TLS", strict.Shorten(f.URL))
	case u.User != nil:
		v.Fail("mqtt.fleet.url", "a password does not belong into the URL: expected user and password_file")
	case (f.User == "") != (f.PasswordFile == ""):
		v.Fail("mqtt.fleet", "expected user and password_file, or neither")
	case u.Scheme == "nats" && f.CA != "":
		v.Fail("mqtt.fleet.ca", "the connection to %s is open: expected tls://", strict.Shorten(f.URL))
	case u.Scheme == "nats" && f.User != "" && u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback():
		v.Fail("mqtt.fleet.url", "%q: the password could be read on the network: expected tls://", strict.Shorten(f.URL))
	}
}

// secured checks which files there must be.
func (v *validator) secured(c MQTT) {
	t := c.TLS
	if t == nil || !v.Readable("mqtt.tls", "mqtt.tls.certificate", "mqtt.tls.key") {
		return
	}
	switch {
	case c.Broker == "none":
		v.Fail("mqtt.tls", "there is no broker")
	case (t.Certificate == "") != (t.Key == ""):
		v.Fail("mqtt.tls", "expected certificate and key, or neither")
	case c.Broker == "embedded" && t.Certificate == "":
		v.Fail("mqtt.tls", "certificate and key are missing: the embedded broker shows them to its clients")
	case c.Broker == "embedded" && t.ServerName != "":
		v.Fail("mqtt.tls.server_name", "belongs to an external broker; this one is embedded")
	case strings.HasPrefix(c.Broker, "tcp:"):
		v.Fail("mqtt.tls", "the connection to %s is open: expected ssl://", strict.Shorten(c.Broker))
	}
}
