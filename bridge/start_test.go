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
	const absent = "tcp://127.0.0.1:1"
	good := protocol.Description{}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := bridge.Options{Robot: "r", Broker: absent}
	secured := func(files protocol.TLS) bridge.Options { return bridge.Options{Robot: "r", Broker: absent, TLS: files} }
	tests := []struct {
		name        string
		description protocol.Description
		opts        bridge.Options
		says        string
	}{
		{"no name", good, bridge.Options{Broker: absent}, "robot name"},
		{"a name of two levels", good, bridge.Options{Robot: "a/b", Broker: absent}, "robot name"},
		{"a name with a space", good, bridge.Options{Robot: "a b", Broker: absent}, "robot name"},
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
			b, err := bridge.Start(t.Context(), allParts(describedRobot{newFakeRobot(), test.description}), test.opts)
			if err == nil {
				b.Close()
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("%q, want %q", err, test.says)
			}
		})
	}
}

// A robot that can be reached can be stopped.
func TestTelemetryAndSafetyAreRequired(t *testing.T) {
	robot := newFakeRobot()
	for _, missing := range []bridge.Robot{{}, {Telemetry: robot}, {Safety: robot, Tuner: robot}} {
		_, err := bridge.Start(t.Context(), missing, bridge.Options{Robot: "r", Broker: "tcp://127.0.0.1:1"})
		if err == nil || !strings.Contains(err.Error(), "expected at least Telemetry and Safety") {
			t.Errorf("%+v: %v", missing, err)
		}
	}
}

// A verb that the robot does not support is refused, with the verbs that it supports.
func TestUnsupportedVerb(t *testing.T) {
	robot := newFakeRobot()
	b, err := bridge.Start(t.Context(), bridge.Robot{Telemetry: robot, Safety: robot},
		bridge.Options{Robot: "fake", Broker: startTestBroker(t, "127.0.0.1:0").url})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c := dial(t, b.URL())
	c.online()
	for _, verb := range []string{"get", "set", "reset", "reward", "stimulate", "save", "load", "drive", "sense", "zero", "watch",
		"network", "world", "place", "load_robot"} {
		want := "this robot does not support " + verb + ": expected one of arm, describe, disarm, estop"
		if r := c.ask(verb, newRequest(verb)); !refusedAs(r, protocol.UnknownVerb) || r.Error.Message != want {
			t.Errorf("%s: %+v, %v, want %q", verb, r, r.Error, want)
		}
	}
	for _, verb := range []string{"arm", "estop", "disarm", "describe"} {
		if r := c.ask(verb, newRequest(verb)); r.Error != nil {
			t.Errorf("%s: %v", verb, r.Error)
		}
	}
	if did := robot.orderList(); !slices.Equal(did, []string{"arm", "stop by mqtt", "disarm"}) {
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
