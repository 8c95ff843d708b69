package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// fluxctl only exchanges messages with robots. It stays small: it links no broker, no engine and no drivers.
func TestLinksNoBroker(t *testing.T) {
	text, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Fields(string(text))
	for _, needed := range []string{"fluxd/bridge/protocol", "github.com/eclipse/paho.mqtt.golang"} {
		if !slices.Contains(all, needed) {
			t.Errorf("%s is missing among %d packages: go list did not list the packages of fluxctl", needed, len(all))
		}
	}
	for _, one := range all {
		for _, large := range []string{
			"github.com/nats-io/", "fluxd/bridge/broker", "fluxd/core", "fluxd/boards",
			"fluxd/sensors", "fluxd/actuators", "fluxd/encoders", "periph.io/",
		} {
			if strings.HasPrefix(one, large) {
				t.Errorf("fluxctl links %s", one)
			}
		}
		if one == "fluxd/bridge" || one == "fluxd/configs" {
			t.Errorf("fluxctl links %s", one)
		}
	}
}
