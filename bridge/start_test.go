package bridge_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
)

func TestStartRefuses(t *testing.T) {
	const nobody = "tcp://127.0.0.1:1"
	good := protocol.Description{}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := bridge.Options{Robot: "r", Broker: nobody}
	secured := func(files protocol.TLS) bridge.Options { return bridge.Options{Robot: "r", Broker: nobody, TLS: files} }
	tests := []struct {
		name        string
		description protocol.Description
		opts        bridge.Options
		says        string
	}{
		{"no name", good, bridge.Options{Broker: nobody}, "robot name"},
		{"a name of two levels", good, bridge.Options{Robot: "a/b", Broker: nobody}, "robot name"},
		{"a name with a space", good, bridge.Options{Robot: "a b", Broker: nobody}, "robot name"},
		{"no broker", good, bridge.Options{Robot: "r"}, "expected a URL with a port"},
		{"no URL", good, bridge.Options{Robot: "r", Broker: "tcp://local host:1"}, "expected a URL like tcp://host:1883"},
		{"a host only", good, bridge.Options{Robot: "r", Broker: "localhost:1883"}, "like tcp://host:1883"},
		{"no port", good, bridge.Options{Robot: "r", Broker: "tcp://localhost"}, "with a port"},
		{"no MQTT", good, bridge.Options{Robot: "r", Broker: "http://localhost:80"}, "like tcp://host:1883"},
		{"a CA that is none", good, secured(protocol.TLS{CA: text}), "expected certificates, PEM"},
		{"a CA that is missing", good, secured(protocol.TLS{CA: text + "?"}), "no such file"},
		{"a key without a certificate", good, secured(protocol.TLS{Key: text}), "its certificate is missing"},
		{"a certificate without a key", good, secured(protocol.TLS{Certificate: text}), "its key is missing"},
		{"a path with a wildcard", one(protocol.Parameter{Path: "a/+"}), open, "expected a path"},
		{"a range without an end", one(protocol.Parameter{Path: "a", Max: inf()}), open, "finite range"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b, err := bridge.Start(t.Context(), parts(describedRobot{newFakeRobot(), test.description}), test.opts)
			if err == nil {
				b.Close()
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %q, want something with %q", err, test.says)
			}
		})
	}
}

// A robot that can be reached can be stopped, whatever else it cannot do.
func TestARobotHasTelemetryAndSafety(t *testing.T) {
	robot := newFakeRobot()
	for _, missing := range []bridge.Robot{{}, {Telemetry: robot}, {Safety: robot, Tuner: robot}} {
		if _, err := bridge.Start(t.Context(), missing, bridge.Options{Robot: "r", Broker: "tcp://127.0.0.1:1"}); err == nil || !strings.Contains(err.Error(), "expected its Telemetry and its Safety") {
			t.Errorf("%+v: %v", missing, err)
		}
	}
}

// What a robot cannot do is refused, with what it can.
func TestARobotThatCanDoLittle(t *testing.T) {
	robot := newFakeRobot()
	b, err := bridge.Start(t.Context(), bridge.Robot{Telemetry: robot, Safety: robot}, bridge.Options{Robot: "fake", Broker: startTestBroker(t, "127.0.0.1:0").url})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c := dial(t, b.URL())
	c.online()
	for _, verb := range []string{"get", "set", "reset", "reward", "stimulate", "save", "load", "drive", "sense", "zero", "watch"} {
		if r := c.ask(verb, fresh(verb)); !refusedAs(r, protocol.UnknownVerb) || r.Error.Message != "this robot does not "+verb+": it can be asked to arm, describe, disarm, estop" {
			t.Errorf("%s: %+v, %v", verb, r, r.Error)
		}
	}
	for _, verb := range []string{"arm", "estop", "disarm", "describe"} {
		if r := c.ask(verb, fresh(verb)); r.Error != nil {
			t.Errorf("%s: %v", verb, r.Error)
		}
	}
	if did := robot.did(); !slices.Equal(did, []string{"arm", "stop by mqtt", "disarm"}) {
		t.Errorf("the robot did %q", did)
	}
}

func inf() float64 { x := 1e308; return x * 10 }

func TestAPasswordIsNotShown(t *testing.T) {
	b := startBridge(t, newFakeRobot(), bridge.Options{Broker: "tcp://me:secret@127.0.0.1:1"})
	if strings.Contains(b.URL(), "secret") {
		t.Errorf("URL is %s", b.URL())
	}
}
