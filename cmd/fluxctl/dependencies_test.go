package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// fluxctl sends messages: it is small, and links neither a broker nor what a robot is made of.
func TestLinksNoBroker(t *testing.T) {
	text, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Fields(string(text))
	for _, needed := range []string{"fluxd/bridge/protocol", "github.com/eclipse/paho.mqtt.golang"} {
		if !slices.Contains(all, needed) {
			t.Errorf("%s is missing among %d packages: they are not those of fluxctl", needed, len(all))
		}
	}
	for _, one := range all {
		for _, large := range []string{"github.com/nats-io/", "fluxd/bridge/broker", "fluxd/core", "fluxd/boards", "fluxd/sensors", "fluxd/actuators", "fluxd/encoders", "periph.io/"} {
			if strings.HasPrefix(one, large) {
				t.Errorf("fluxctl links %s", one)
			}
		}
		if one == "fluxd/bridge" || one == "fluxd/configs" {
			t.Errorf("fluxctl links %s", one)
		}
	}
}
