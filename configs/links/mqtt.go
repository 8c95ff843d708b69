package links

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"periph.io/x/conn/v3/physic"

	"fluxd/configs/strict"
)

// MQTT says how the robot is reached.
type MQTT struct {
	Broker        string           `yaml:"broker" default:"embedded" doc:"embedded, none, tcp://host:1883 or ssl://host:8883"`
	Listen        string           `yaml:"listen" default:"127.0.0.1:1883" doc:"address and port of the embedded broker; beyond loopback only with passwords or tls.ca"`
	Passwords     string           `yaml:"passwords" doc:"users of the embedded broker, a file made by fluxctl passwd; absent: no password, loopback only"`
	Clients       int              `yaml:"clients" default:"64" doc:"most simultaneous clients of the embedded broker, 1 to 10000"`
	User          string           `yaml:"user" doc:"user name at an external broker"`
	PasswordFile  string           `yaml:"password_file" doc:"file with the password for the external broker"`
	PasswordEnv   string           `yaml:"password_env" doc:"environment variable with that password"`
	Telemetry     physic.Frequency `yaml:"telemetry" default:"10 Hz" min:"0.1 Hz" max:"50 Hz" live:"true" doc:"how often readings and commands are published"`
	HomeAssistant bool             `yaml:"home_assistant" default:"false" doc:"announce sensors, actuators and parameters to Home Assistant"`
	TLS           *TLS             `yaml:"tls" doc:"encryption; an embedded broker with ca requires client certificates"`
	Fleet         *Fleet           `yaml:"fleet" doc:"a NATS cluster that the embedded broker joins as a leaf node"`

	replaced bool // Broker is not the file's
}

// Replace puts another broker in the place of the file's. If it is of another kind, the keys that belong to the file's kind have
// no effect.
func (c *MQTT) Replace(broker string) {
	if kind(broker) != kind(c.Broker) {
		c.Listen, c.Passwords, c.TLS, c.Fleet = defaultBroker, "", nil, nil
		c.User, c.PasswordFile, c.PasswordEnv = "", "", ""
	}
	c.Broker, c.replaced = broker, true
}

// kind returns the kind of a broker: embedded, none or external.
func kind(broker string) string {
	if broker == "embedded" || broker == "none" {
		return broker
	}
	return "external"
}

// defaultBroker is where the embedded broker listens.
const defaultBroker = "127.0.0.1:1883"

// Fleet is a NATS cluster that a robot's own broker joins.
type Fleet struct {
	URL          string `yaml:"url" required:"" doc:"the cluster's leaf node listener: tls://host:7422, or nats://host:7422 without TLS"`
	User         string `yaml:"user" doc:"user name in the cluster"`
	PasswordFile string `yaml:"password_file" doc:"file with that user's password"`
	CA           string `yaml:"ca" doc:"file of the certificate authority of the cluster; absent: those the system trusts"`
}

// TLS names the files of secured connections, PEM-encoded.
type TLS struct {
	CA          string `yaml:"ca" doc:"file of the certificate authority of the other side; absent: those the system trusts"`
	Certificate string `yaml:"certificate" doc:"file of the robot's own certificate"`
	Key         string `yaml:"key" doc:"file of its key"`
	ServerName  string `yaml:"server_name" doc:"name in the external broker's certificate, if it differs from the host of the URL"`
}

// Check checks the broker and how fluxd connects to it.
func (c MQTT) Check(d *strict.Decoder) {
	if !d.Readable("mqtt.broker") {
		return
	}
	c.belongsToBroker(d)
	if d.Readable("mqtt.clients") && (c.Clients < 1 || c.Clients > 10_000) {
		d.Fail("mqtt.clients", "%d: expected 1 to 10000", c.Clients)
	}
	c.secured(d)
	c.fleet(d)
	switch c.Broker {
	case "none":
	case "embedded":
		c.embedded(d)
	default:
		c.external(d)
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
func (c MQTT) belongsToBroker(d *strict.Decoder) {
	if c.Broker != "embedded" {
		for key, there := range map[string]bool{"listen": d.Given("mqtt", "listen") && !c.replaced, "passwords": c.Passwords != ""} {
			if there {
				d.Fail("mqtt."+key, "belongs to the embedded broker; this one is %s", c.broker())
			}
		}
	}
	if c.Broker == "embedded" || c.Broker == "none" {
		for key, value := range map[string]string{"user": c.User, "password_file": c.PasswordFile, "password_env": c.PasswordEnv} {
			if value != "" {
				d.Fail("mqtt."+key, "belongs to an external broker; this one is %s", c.Broker)
			}
		}
	}
	if c.PasswordFile != "" && c.PasswordEnv != "" {
		d.Fail("mqtt.password_env", "expected password_file or password_env, not both")
	}
}

// embedded checks where the robot's own broker listens.
func (c MQTT) embedded(d *strict.Decoder) {
	host, port, err := net.SplitHostPort(c.Listen)
	number, wrong := strconv.ParseUint(port, 10, 16)
	open := c.Passwords == "" && (c.TLS == nil || c.TLS.CA == "")
	switch {
	case err != nil || wrong != nil || number > 65535:
		d.Fail("mqtt.listen", "%q: expected an address and port, such as 127.0.0.1:1883", strict.Shorten(c.Listen))
	case host != "localhost" && !net.ParseIP(host).IsLoopback() && open && d.Readable("mqtt.passwords", "mqtt.tls"):
		d.Fail("mqtt.listen", "%q: without passwords and client certificates the broker listens on this machine only: "+
			"expected 127.0.0.1, [::1] or localhost, or a file of passwords (fluxctl passwd)", strict.Shorten(c.Listen))
	}
}

// external checks the URL and user of an external broker.
func (c MQTT) external(d *strict.Decoder) {
	u, err := url.Parse(c.Broker)
	if err != nil || u.Hostname() == "" || u.Port() == "" || u.Scheme != "tcp" && u.Scheme != "ssl" {
		d.Fail("mqtt.broker", "%q: expected embedded, none, tcp://host:1883 or ssl://host:8883", c.broker())
	} else if u.User != nil {
		d.Fail("mqtt.broker", "a URL must not hold a password: expected user and password_file")
	}
	if c.PasswordFile+c.PasswordEnv != "" && c.User == "" && d.Readable("mqtt.user") {
		d.Fail("mqtt", "user is missing: the user whose password it is")
	}
}

// fleet checks how the embedded broker connects to a NATS cluster.
func (c MQTT) fleet(d *strict.Decoder) {
	f := c.Fleet
	if f == nil || !d.Readable("mqtt.fleet", "mqtt.fleet.url") {
		return
	}
	u, err := url.Parse(f.URL)
	switch {
	case c.Broker != "embedded":
		d.Fail("mqtt.fleet", "belongs to the embedded broker: connect an external broker to the cluster instead")
	case err != nil || u.Hostname() == "" || u.Port() == "" || u.Scheme != "tls" && u.Scheme != "nats":
		d.Fail("mqtt.fleet.url", "%q: expected tls://host:7422, or nats://host:7422 without TLS", strict.Shorten(f.URL))
	case u.User != nil:
		d.Fail("mqtt.fleet.url", "a URL must not hold a password: expected user and password_file")
	case (f.User == "") != (f.PasswordFile == ""):
		d.Fail("mqtt.fleet", "expected user and password_file, or neither")
	case u.Scheme == "nats" && f.CA != "":
		d.Fail("mqtt.fleet.ca", "the connection to %s is not encrypted: expected tls://", strict.Shorten(f.URL))
	case u.Scheme == "nats" && f.User != "" && u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback():
		d.Fail("mqtt.fleet.url", "%q: the password would be sent unencrypted: expected tls://", strict.Shorten(f.URL))
	}
}

// secured checks which TLS files are given.
func (c MQTT) secured(d *strict.Decoder) {
	t := c.TLS
	if t == nil || !d.Readable("mqtt.tls", "mqtt.tls.certificate", "mqtt.tls.key") {
		return
	}
	switch {
	case c.Broker == "none":
		d.Fail("mqtt.tls", "with broker: none there is no connection to encrypt")
	case (t.Certificate == "") != (t.Key == ""):
		d.Fail("mqtt.tls", "expected certificate and key, or neither")
	case c.Broker == "embedded" && t.Certificate == "":
		d.Fail("mqtt.tls", "certificate and key are missing: the embedded broker shows them to its clients")
	case c.Broker == "embedded" && t.ServerName != "":
		d.Fail("mqtt.tls.server_name", "belongs to an external broker; this one is embedded")
	case strings.HasPrefix(c.Broker, "tcp:"):
		d.Fail("mqtt.tls", "the connection to %s is not encrypted: expected ssl://", strict.Shorten(c.Broker))
	}
}
