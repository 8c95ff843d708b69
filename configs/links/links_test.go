package links_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"fluxd/configs"
)

// parse reads a robot whose file ends in a text.
func parse(t *testing.T, board, text string, changes configs.Changes) (*configs.Robot, error) {
	t.Helper()
	file := t.TempDir() + "/robot.yaml"
	whole := "robot: seeker\nboard: {kind: " + board + "}\nnetwork: {neurons: {a: {}}}\n" + text
	write(t, file, whole)
	return configs.LoadWith(file, changes)
}

// The page of a simulated robot is there without a word in its file, on this machine only; that of a real one is asked for.
func TestWhereThePageIsByDefault(t *testing.T) {
	for _, c := range []struct{ board, text, want string }{
		{"sim", "", "127.0.0.1:8080"},
		{"sim", "dashboard: {}", "127.0.0.1:8080"},
		{"sim", "dashboard: {hosts: [robot.local]}", "127.0.0.1:8080"},
		{"sim", "dashboard: {listen: none}", "none"},
		{"sim", "dashboard: {listen: 'localhost:9'}", "localhost:9"},
		{"sim", "mqtt: {broker: none}", "none"},
		{"sim", "mqtt: {broker: 'tcp://host:1883'}", "127.0.0.1:8080"},
		{"sim", "mqtt: {broker: 'ssl://host:1883', tls: {certificate: c, key: k}}", "none"},
		{"sim", "mqtt: {broker: 'ssl://host:1883', tls: {ca: c}}", "127.0.0.1:8080"},
		{"sim", "mqtt: {tls: {ca: a, certificate: c, key: k}}", "none"},
		{"sim", "mqtt: {tls: {certificate: c, key: k}}", "127.0.0.1:8080"},
		{"linux", "", "none"},
		{"raspberrypi", "dashboard: {hosts: [robot.local]}", "none"},
		{"auto", "dashboard: {listen: '127.0.0.1:8080'}", "127.0.0.1:8080"},
	} {
		robot, err := parse(t, c.board, c.text, configs.Changes{})
		if err != nil {
			t.Errorf("%s, %s: %v", c.board, c.text, err)
		} else if got := robot.Dashboard; got.Listen != c.want || got.On() != (c.want != "none") {
			t.Errorf("%s, %s: %q, on: %v, expected %q", c.board, c.text, got.Listen, got.On(), c.want)
		}
	}
}

// A user names another broker when the robot starts: what the file says of its own kind of broker has no effect then.
func TestAnotherBrokerThanTheFiles(t *testing.T) {
	for _, c := range []struct{ file, broker, wrong string }{
		{"", "tcp://host:1883", ""},
		{"mqtt: {listen: '127.0.0.1:9', clients: 3, passwords: p, tls: {certificate: c, key: k}}", "tcp://host:1883", ""},
		{"mqtt: {listen: '127.0.0.1:9', fleet: {url: 'tls://host:7422'}}", "ssl://host:8883", ""},
		{"mqtt: {broker: 'tcp://old:1883', user: u, password_file: p}", "tcp://new:1883", ""},
		{"mqtt: {broker: 'tcp://old:1883', user: u, password_file: p}", "embedded", ""},
		{"mqtt: {listen: '127.0.0.1:9'}", "none", ""},
		{"mqtt: {broker: none}", "embedded", ""},
		{"", "host", `mqtt.broker: "host": expected embedded, none, tcp://host:1883 or ssl://host:8883`},
		{"", "tcp://me:secret@host:1883", "mqtt.broker: a URL must not hold a password"},
		{"mqtt: {broker: 'ssl://old:8883', tls: {ca: c}}", "tcp://new:1883",
			"mqtt.tls: the connection to tcp://new:1883 is not encrypted"},
		{"mqtt: {passwords: p}\ndashboard: {listen: '0.0.0.0:80', insecure: true}", "tcp://host:1883", "dashboard.listen: "},
	} {
		robot, err := parse(t, "sim", c.file, configs.Changes{Broker: c.broker})
		var all configs.Errors
		switch {
		case c.wrong != "" && (!errors.As(err, &all) || !strings.Contains(err.Error(), c.wrong) ||
			strings.Contains(err.Error(), "secret")):
			t.Errorf("%s, then %s: %v, expected %q", c.file, c.broker, err, c.wrong)
		case c.wrong == "" && err != nil:
			t.Errorf("%s, then %s: %v", c.file, c.broker, err)
		case c.wrong == "" && robot.MQTT.Broker != c.broker:
			t.Errorf("%s, then %s: got %s", c.file, c.broker, robot.MQTT.Broker)
		}
	}
}

func TestAnotherNameThanTheFiles(t *testing.T) {
	robot, err := parse(t, "sim", "", configs.Changes{Name: "seeker-7"})
	if err != nil || robot.Name != "seeker-7" {
		t.Errorf("%v, %v: expected the name seeker-7", robot, err)
	}
	if _, err := parse(t, "sim", "", configs.Changes{Name: "a/b"}); err == nil ||
		!strings.Contains(err.Error(), `"a/b": expected letters`) {
		t.Errorf("%v: expected that the name a/b is refused", err)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
